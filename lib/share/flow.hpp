// The flow that a packet belongs to: who speaks with whom, innermost where one is inside another.
//
//   link layer     Ethernet (any stack of VLAN tags), bare IP, Linux cooked
//   tunnels        MPLS (any stack; IP or Ethernet in it), IP in IP, GRE, VXLAN, GTP-U: what is innermost counts
//   network        IPv4, IPv6 with its extension headers
//   transport      TCP, UDP, SCTP, DCCP, UDP-Lite have ports
//
// What cannot be told from a packet alone is left out, so that it is left out of all packets alike:
// - Fragments, the first one too, go by addresses and protocol: only the first has ports, or what is in a tunnel.
// - Packets that are not IP go by their Ethernet addresses; those without any are all one flow.
// - Headers that were cut off, or make no sense, count as if they were not there: the addresses around them decide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ringtail::share {

/// What makes packets one flow.
enum class FlowKey : std::uint32_t {
  five_tuple,     ///< addresses, protocol and ports
  two_tuple,      ///< addresses; the fragments of a flow stay with it
  mac_addresses,  ///< of the outermost Ethernet frame; as two_tuple on links without such
};

/// One end of a flow. Shorter addresses are in `low`.
struct End {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint16_t port = 0;
};

struct Flow {
  End source{};
  End destination{};
  std::uint8_t protocol = 0;
};

/// Whatever the bytes are, nothing beyond them is read, and no loop is longer than a constant. `link_type` is a
/// LINKTYPE_ value.
[[nodiscard]] Flow flow_of(std::span<const std::byte> bytes, std::uint16_t link_type, FlowKey key) noexcept;

}  // namespace ringtail::share
