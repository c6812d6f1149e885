#include "share/flow.hpp"

#include <bit>
#include <cstring>

#include <ringtail/interface.hpp>

namespace ringtail::share {

namespace {

// Nobody means deeper nesting; whoever makes it costs us no more than this.
constexpr int most_tags = 8;         // VLAN tags, MPLS labels, IPv6 extension headers, each
constexpr int most_enclosures = 16;  // changes from one kind of header to another

namespace ethertype {                       // IEEE 802 numbers (IANA)
constexpr std::uint16_t ipv4 = 0x0800;      // RFC 894
constexpr std::uint16_t arp = 0x0806;       // RFC 826
constexpr std::uint16_t ipv6 = 0x86dd;      // RFC 2464
constexpr std::uint16_t vlan = 0x8100;      // IEEE 802.1Q
constexpr std::uint16_t provider = 0x88a8;  // IEEE 802.1ad
constexpr std::uint16_t old_qinq = 0x9100;  // before 802.1ad
constexpr std::uint16_t mpls = 0x8847;      // RFC 5332
constexpr std::uint16_t mpls_multicast = 0x8848;
constexpr std::uint16_t bridging = 0x6558;  // RFC 1701: an Ethernet frame
}  // namespace ethertype

namespace protocol {  // protocol numbers (IANA)
constexpr std::uint8_t hop_by_hop = 0;
constexpr std::uint8_t ipv4 = 4;
constexpr std::uint8_t tcp = 6;
constexpr std::uint8_t udp = 17;
constexpr std::uint8_t dccp = 33;
constexpr std::uint8_t ipv6 = 41;
constexpr std::uint8_t routing = 43;
constexpr std::uint8_t fragment = 44;
constexpr std::uint8_t gre = 47;
constexpr std::uint8_t authentication = 51;
constexpr std::uint8_t destination_options = 60;
constexpr std::uint8_t sctp = 132;
constexpr std::uint8_t udp_lite = 136;
}  // namespace protocol

constexpr std::uint16_t vxlan_port = 4789;      // RFC 7348
constexpr std::uint16_t old_vxlan_port = 8472;  // what Linux used before (drivers/net/vxlan)
constexpr std::uint16_t gtp_user_port = 2152;   // 3GPP TS 29.281

constexpr std::uint16_t more_fragments_or_offset = 0x3fff;  // IPv4, RFC 791, section 3.1

enum class Header : std::uint8_t { ethernet, ethertype, ip, ipv4, ipv6, mpls, none };

/// Bytes not read yet. Every look at them is a question, with "there are not so many" as an answer.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] bool has(std::size_t count) const noexcept { return bytes_.size() >= count; }
  [[nodiscard]] bool skip(std::size_t count) noexcept {
    if (!has(count)) return false;
    bytes_ = bytes_.subspan(count);
    return true;
  }
  [[nodiscard]] const std::byte* data() const noexcept { return bytes_.data(); }
  // The caller has asked has().
  [[nodiscard]] std::uint8_t byte(std::size_t at) const noexcept { return static_cast<std::uint8_t>(bytes_[at]); }
  [[nodiscard]] std::uint16_t two(std::size_t at) const noexcept {
    return static_cast<std::uint16_t>(byte(at) << 8 | byte(at + 1));
  }
  /// In the order of this machine: enough to tell and to compare.
  template <typename Word>
  [[nodiscard]] Word word(std::size_t at) const noexcept {
    Word word;
    std::memcpy(&word, bytes_.data() + at, sizeof word);
    return word;
  }

 private:
  std::span<const std::byte> bytes_;
};

/// Goes from the outermost header inwards and remembers the innermost flow it has understood.
class FlowWalk {
 public:
  FlowWalk(std::span<const std::byte> bytes, FlowKey key) noexcept : rest_(bytes), key_(key) {}

  [[nodiscard]] const Flow& find(std::uint16_t link_type) noexcept {
    Header next = outermost(link_type);
    for (int depth = 0; depth < most_enclosures && next != Header::none; ++depth) next = enter(next);
    if (!has_ip_ && frame_ != nullptr) {
      flow_.source.low = mac_address(frame_ + 6);
      flow_.destination.low = mac_address(frame_);
    }
    return flow_;
  }

 private:
  [[nodiscard]] Header outermost(std::uint16_t link_type) noexcept {
    switch (link_type) {
      case link_type::ethernet:
        return Header::ethernet;
      case link_type::raw_ip:
        return Header::ip;
      case link_type::linux_sll:  // the protocol ends a header of 16 bytes
        return rest_.skip(14) ? Header::ethertype : Header::none;
      case link_type::linux_sll2:  // the protocol begins a header of 20 bytes
        if (!rest_.has(20)) return Header::none;
        ethertype_ = rest_.two(0);
        return rest_.skip(20) ? by_ethertype() : Header::none;
      default:
        return Header::none;
    }
  }

  [[nodiscard]] Header enter(Header header) noexcept {
    switch (header) {
      case Header::ethernet:
        return enter_ethernet();
      case Header::ethertype:
        return enter_ethertype();
      case Header::ip:
        return enter_ip();
      case Header::ipv4:
        return enter_ipv4();
      case Header::ipv6:
        return enter_ipv6();
      case Header::mpls:
        return enter_mpls();
      case Header::none:
        break;
    }
    return Header::none;
  }

  /// Ethernet addresses count as long as there is nothing better, or when they are all that is asked for.
  [[nodiscard]] Header enter_ethernet() noexcept {
    if (!rest_.has(14)) return Header::none;
    if (frame_ == nullptr) frame_ = rest_.data();
    if (key_ == FlowKey::mac_addresses) return Header::none;
    (void)rest_.skip(12);
    return enter_ethertype();
  }

  /// At an EtherType: past it, and past VLAN tags.
  [[nodiscard]] Header enter_ethertype() noexcept {
    if (!rest_.has(2)) return Header::none;
    ethertype_ = rest_.two(0);
    (void)rest_.skip(2);
    for (int tag = 0; tag < most_tags && is_vlan(ethertype_); ++tag) {
      if (!rest_.has(4)) return Header::none;
      ethertype_ = rest_.two(2);
      (void)rest_.skip(4);
    }
    return by_ethertype();
  }

  [[nodiscard]] static std::uint64_t mac_address(const std::byte* bytes) noexcept {
    std::uint64_t address = 0;
    std::memcpy(&address, bytes, 6);
    return address;
  }

  [[nodiscard]] static bool is_vlan(std::uint16_t type) noexcept {
    return type == ethertype::vlan || type == ethertype::provider || type == ethertype::old_qinq;
  }

  [[nodiscard]] Header by_ethertype() const noexcept {
    switch (ethertype_) {
      case ethertype::ipv4:
        return Header::ipv4;
      case ethertype::ipv6:
        return Header::ipv6;
      case ethertype::mpls:
      case ethertype::mpls_multicast:
        return Header::mpls;
      case ethertype::bridging:
        return Header::ethernet;
      default:
        return Header::none;
    }
  }

  /// What follows the last label is not said anywhere. An IP packet begins with its version. An Ethernet frame may have
  /// a control word before it, which begins with a zero (RFC 4385), as many Ethernet addresses do: then the EtherType
  /// tells. As with every router, a frame whose first address begins with 4 or 6 is taken for IP (RFC 4928).
  [[nodiscard]] Header enter_mpls() noexcept {
    for (int label = 0; label < most_tags; ++label) {
      if (!rest_.has(5)) return Header::none;
      const bool is_last = (rest_.byte(2) & 1) != 0;
      (void)rest_.skip(4);
      if (!is_last) continue;
      switch (rest_.byte(0) >> 4) {
        case 4:
          return Header::ipv4;
        case 6:
          return Header::ipv6;
        case 0:
          if (!is_frame()) (void)rest_.skip(4);
          return Header::ethernet;
        default:
          return Header::ethernet;
      }
    }
    return Header::none;
  }

  /// Whether an EtherType that we know stands where a frame has it.
  [[nodiscard]] bool is_frame() const noexcept {
    if (!rest_.has(14)) return false;
    const std::uint16_t type = rest_.two(12);
    return type == ethertype::ipv4 || type == ethertype::ipv6 || type == ethertype::arp || is_vlan(type);
  }

  [[nodiscard]] Header enter_ip() const noexcept {
    if (!rest_.has(1)) return Header::none;
    const int version = rest_.byte(0) >> 4;
    if (version == 4) return Header::ipv4;
    return version == 6 ? Header::ipv6 : Header::none;
  }

  /// RFC 791, section 3.1
  [[nodiscard]] Header enter_ipv4() noexcept {
    if (!rest_.has(20)) return Header::none;
    const std::size_t header_bytes = std::size_t{rest_.byte(0)} % 16 * 4;
    if (rest_.byte(0) >> 4 != 4 || header_bytes < 20) return Header::none;
    const bool is_fragment = (rest_.two(6) & more_fragments_or_offset) != 0;
    begin_ip({.low = rest_.word<std::uint32_t>(12)}, {.low = rest_.word<std::uint32_t>(16)}, rest_.byte(9));
    if (is_fragment || !rest_.skip(header_bytes)) return Header::none;
    return enter_transport();
  }

  /// RFC 8200, sections 3 and 4
  [[nodiscard]] Header enter_ipv6() noexcept {
    if (!rest_.has(40) || rest_.byte(0) >> 4 != 6) return Header::none;
    std::uint8_t next = rest_.byte(6);
    begin_ip({.low = rest_.word<std::uint64_t>(16), .high = rest_.word<std::uint64_t>(8)},
             {.low = rest_.word<std::uint64_t>(32), .high = rest_.word<std::uint64_t>(24)}, next);
    (void)rest_.skip(40);
    for (int header = 0; header < most_tags; ++header) {
      const bool is_fragment = next == protocol::fragment;
      const bool is_authentication = next == protocol::authentication;
      if (!is_fragment && !is_authentication && !is_option(next)) {
        flow_.protocol = next;
        return enter_transport();
      }
      if (!rest_.has(8)) return Header::none;
      // Lengths: of options in units of 8 bytes without the first; of RFC 4302's in 4 bytes without the first two.
      std::size_t bytes = (std::size_t{rest_.byte(1)} + 1) * 8;
      if (is_fragment) bytes = 8;
      if (is_authentication) bytes = (std::size_t{rest_.byte(1)} + 2) * 4;
      next = rest_.byte(0);
      constexpr std::uint16_t offset_or_more = 0xfff9;
      if (is_fragment && (rest_.two(2) & offset_or_more) != 0) {
        flow_.protocol = protocol::fragment;  // a later fragment does not show whether options stand before it
        return Header::none;
      }
      if (!rest_.skip(bytes)) return Header::none;
    }
    return Header::none;
  }

  [[nodiscard]] static bool is_option(std::uint8_t next) noexcept {
    return next == protocol::hop_by_hop || next == protocol::routing || next == protocol::destination_options;
  }

  void begin_ip(End source, End destination, std::uint8_t protocol) noexcept {
    flow_ = {.source = source, .destination = destination, .protocol = protocol};
    has_ip_ = true;
  }

  [[nodiscard]] Header enter_transport() noexcept {
    switch (flow_.protocol) {
      case protocol::ipv4:
        return Header::ipv4;
      case protocol::ipv6:
        return Header::ipv6;
      case protocol::gre:
        return enter_gre();
      case protocol::tcp:
      case protocol::udp:
      case protocol::dccp:
      case protocol::sctp:
      case protocol::udp_lite:
        return enter_ports();
      default:
        return Header::none;
    }
  }

  [[nodiscard]] Header enter_ports() noexcept {
    if (!rest_.has(4)) return Header::none;
    const std::uint16_t to = rest_.two(2);
    flow_.source.port = rest_.two(0);
    flow_.destination.port = to;
    if (flow_.protocol != protocol::udp || !rest_.has(8)) return Header::none;
    (void)rest_.skip(8);
    if (to == vxlan_port || to == old_vxlan_port) return enter_vxlan();
    return to == gtp_user_port ? enter_gtp() : Header::none;
  }

  /// RFC 2784 and 2890. Version 1 is PPTP's, and has no protocol of ours in it.
  [[nodiscard]] Header enter_gre() noexcept {
    if (!rest_.has(4)) return Header::none;
    const std::uint16_t flags = rest_.two(0);
    constexpr std::uint16_t version_and_routing = 0x4007;
    if ((flags & version_and_routing) != 0) return Header::none;
    ethertype_ = rest_.two(2);
    const int optional_words = std::popcount(static_cast<unsigned>(flags & 0xb000));  // checksum, key, sequence number
    return rest_.skip(4 + 4 * static_cast<std::size_t>(optional_words)) ? by_ethertype() : Header::none;
  }

  /// RFC 7348, section 5: with the flag that says "there is a network identifier". Reserved bits are to be ignored, and
  /// are in use: for a group's policy (draft-smith-vxlan-group-policy), and to say that something else than a frame may
  /// follow (draft-ietf-nvo3-vxlan-gpe).
  [[nodiscard]] Header enter_vxlan() noexcept {
    constexpr unsigned has_identifier = 0x08;
    constexpr unsigned has_next_protocol = 0x04;
    constexpr std::uint8_t next_is_ethernet = 3;
    if (!rest_.has(8) || (rest_.byte(0) & has_identifier) == 0) return Header::none;
    if ((rest_.byte(0) & has_next_protocol) != 0 && rest_.byte(3) != next_is_ethernet) return Header::none;
    forget_ports();
    (void)rest_.skip(8);
    return Header::ethernet;
  }

  /// 3GPP TS 29.281, section 5.1: version 1, protocol type GTP, and a message that carries a user's packet.
  [[nodiscard]] Header enter_gtp() noexcept {
    constexpr std::uint8_t user_packet = 255;
    if (!rest_.has(8) || rest_.byte(0) >> 4 != 3 || rest_.byte(1) != user_packet) return Header::none;
    forget_ports();
    const bool has_optional_words = (rest_.byte(0) & 0x07) != 0;
    const bool has_extensions = (rest_.byte(0) & 0x04) != 0;
    (void)rest_.skip(8);
    if (!has_optional_words) return Header::ip;
    if (!rest_.has(4)) return Header::none;
    std::uint8_t extension = has_extensions ? rest_.byte(3) : 0;
    (void)rest_.skip(4);
    for (int count = 0; extension != 0 && count < most_tags; ++count) {
      if (!rest_.has(1)) return Header::none;
      const std::size_t bytes = std::size_t{rest_.byte(0)} * 4;  // its last byte is the next one's type
      if (bytes == 0 || !rest_.has(bytes)) return Header::none;
      extension = rest_.byte(bytes - 1);
      (void)rest_.skip(bytes);
    }
    return extension == 0 ? Header::ip : Header::none;
  }

  /// A tunnel's ports differ from one direction to the other; without its content its addresses decide.
  void forget_ports() noexcept { flow_.source.port = flow_.destination.port = 0; }

  Cursor rest_;
  FlowKey key_;
  std::uint16_t ethertype_ = 0;
  bool has_ip_ = false;
  const std::byte* frame_ = nullptr;  // the outermost Ethernet header, all of it
  Flow flow_{};
};

/// The packets that nearly all are, without the walk: TCP or UDP in IPv4 without options, whole, in no tunnel and under
/// no tag. False: it is another one. FlowWalk says the same of them, in twice the time.
[[nodiscard]] bool find_at_once(std::span<const std::byte> frame, Flow& flow) noexcept {
  constexpr std::size_t frame_bytes = 14;
  constexpr std::size_t ip_bytes = 20;
  if (frame.size() < frame_bytes + ip_bytes + 8) return false;
  const Cursor ip(frame.subspan(frame_bytes));
  const Cursor transport(frame.subspan(frame_bytes + ip_bytes));
  if (Cursor(frame).two(12) != ethertype::ipv4 || ip.byte(0) != 0x45) return false;
  if ((ip.two(6) & more_fragments_or_offset) != 0) return false;
  const std::uint16_t to = transport.two(2);
  const bool may_be_tunnel = to == vxlan_port || to == old_vxlan_port || to == gtp_user_port;
  const std::uint8_t protocol = ip.byte(9);
  if (protocol != protocol::tcp && (protocol != protocol::udp || may_be_tunnel)) return false;
  flow.source = {.low = ip.word<std::uint32_t>(12), .port = transport.two(0)};
  flow.destination = {.low = ip.word<std::uint32_t>(16), .port = to};
  flow.protocol = protocol;
  return true;
}

}  // namespace

Flow flow_of(std::span<const std::byte> bytes, std::uint16_t link_type, FlowKey key) noexcept {
  Flow flow;
  const bool may_be_found = link_type == link_type::ethernet && key != FlowKey::mac_addresses;
  if (may_be_found && find_at_once(bytes, flow)) return flow;
  return FlowWalk(bytes, key).find(link_type);
}

}  // namespace ringtail::share
