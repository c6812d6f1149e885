#include "pcapfile/pcapng.hpp"

#include <algorithm>
#include <span>

#include "base/contract.hpp"

namespace ringtail::pcapfile::pcapng {

namespace {

// Appends one block: the head at construction, its length and the trailer in finish().
class BlockAppender {
 public:
  template <typename Head>
  BlockAppender(Bytes& out, const Head& head) : out_(out), begin_(out.size()) {
    append_bytes(std::as_bytes(std::span(&head, 1)));
  }

  void append_option(std::uint16_t code, std::span<const std::byte> value) {
    const OptionHead head{code, static_cast<std::uint16_t>(value.size())};
    append_bytes(std::as_bytes(std::span(&head, 1)));
    append_bytes(value);
    out_.resize(begin_ + align_up_4(static_cast<std::uint32_t>(out_.size() - begin_)));
  }

  template <typename Number>
  void append_number(std::uint16_t code, Number value) {
    append_option(code, std::as_bytes(std::span(&value, 1)));
  }

  // Upper half first, as in packet heads.
  void append_timestamp(std::uint16_t code, std::uint64_t timestamp_ns) {
    const std::uint32_t halves[2] = {static_cast<std::uint32_t>(timestamp_ns >> 32),
                                     static_cast<std::uint32_t>(timestamp_ns)};
    append_option(code, std::as_bytes(std::span(halves)));
  }

  void append_text(std::uint16_t code, std::string_view text) {
    if (!text.empty()) append_option(code, std::as_bytes(std::span(cut(text, longest_value_bytes))));
  }

  void append_filter(std::string_view filter) {
    if (filter.empty()) return;
    constexpr std::byte is_libpcap_text{0};  // section 4.2, if_filter: what the first octet says
    Bytes value{is_libpcap_text};
    const auto text = std::as_bytes(std::span(cut(filter, longest_value_bytes - 1)));
    value.insert(value.end(), text.begin(), text.end());
    append_option(option_code::if_filter, value);
  }

  void finish() {
    const std::size_t length_before_end = out_.size() - begin_;
    const auto total = static_cast<std::uint32_t>(length_before_end + end_of_options_bytes + block_trailer_bytes);
    out_.resize(begin_ + total);
    std::byte* at = store_end_of_options(out_.data() + begin_ + length_before_end);
    store(at, total);
    store(out_.data() + begin_ + offsetof(BlockHead, total_length), total);
  }

 private:
  static constexpr std::size_t longest_value_bytes = 65535;  // the length field has 16 bits

  // Never through the middle of a UTF-8 character: its continuation bytes are 10xxxxxx.
  static std::string_view cut(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return text;
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0U) == 0x80U) --limit;
    return text.substr(0, limit);
  }

  void append_bytes(std::span<const std::byte> bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

  Bytes& out_;
  std::size_t begin_;
};

constexpr std::uint8_t nanoseconds = 9;  // if_tsresol: a negative power of ten

}  // namespace

void append_section_header(Bytes& out, const SectionDescription& section) {
  BlockAppender block(out, SectionHead{.block = {block_type::section_header, 0},
                                       .magic = byte_order_magic,
                                       .major_version = 1,
                                       .minor_version = 0,
                                       .section_length = section_length_unknown});
  block.append_text(option_code::comment, section.comment);
  block.append_text(option_code::shb_hardware, section.hardware);
  block.append_text(option_code::shb_os, section.operating_system);
  block.append_text(option_code::shb_userappl, section.application);
  block.finish();
}

void append_interface_description(Bytes& out, const Interface& interface, std::uint32_t snaplen,
                                  std::string_view operating_system) {
  BlockAppender block(out, InterfaceHead{.block = {block_type::interface_description, 0},
                                         .link_type = interface.link_type,
                                         .reserved = 0,
                                         .snaplen = snaplen});
  block.append_text(option_code::if_name, interface.name);
  block.append_text(option_code::if_description, interface.description);
  if (interface.has_mac_address) {
    block.append_option(option_code::if_macaddr, std::as_bytes(std::span(interface.mac_address)));
  }
  if (interface.speed_bps != 0) block.append_number(option_code::if_speed, interface.speed_bps);
  block.append_number(option_code::if_tsresol, nanoseconds);
  block.append_filter(interface.filter);
  block.append_text(option_code::if_os, operating_system);
  block.append_text(option_code::if_hardware, interface.hardware);
  block.finish();
}

void append_interface_statistics(Bytes& out, std::uint32_t interface_id, const InterfaceCounters& counters) {
  BlockAppender block(out, StatisticsHead{.block = {block_type::interface_statistics, 0},
                                          .interface_id = interface_id,
                                          .timestamp_high = static_cast<std::uint32_t>(counters.end_ns >> 32),
                                          .timestamp_low = static_cast<std::uint32_t>(counters.end_ns)});
  block.append_timestamp(option_code::isb_starttime, counters.start_ns);
  block.append_timestamp(option_code::isb_endtime, counters.end_ns);
  block.append_number(option_code::isb_ifrecv, counters.received);
  block.append_number(option_code::isb_ifdrop, counters.dropped_interface);
  block.append_number(option_code::isb_osdrop, counters.dropped_ring);
  block.append_number(option_code::isb_usrdeliv, counters.delivered);
  block.finish();
}

void append_interface_note(Bytes& out, std::uint32_t interface_id, std::uint64_t timestamp_ns, std::string_view note) {
  BlockAppender block(out, StatisticsHead{.block = {block_type::interface_statistics, 0},
                                          .interface_id = interface_id,
                                          .timestamp_high = static_cast<std::uint32_t>(timestamp_ns >> 32),
                                          .timestamp_low = static_cast<std::uint32_t>(timestamp_ns)});
  block.append_text(option_code::comment, note);
  block.finish();
}

std::byte* store_padding_option(std::byte* at, std::uint32_t bytes) noexcept {
  base::require(bytes % 4 == 0 && bytes >= smallest_padding_option_bytes && bytes <= largest_padding_option_bytes,
                "a padding option is 8 to 65,536 bytes long, a multiple of 4");
  // The value begins with an enterprise number; 0 is reserved (RFC 9371), so this is nobody's option.
  const auto length = static_cast<std::uint16_t>(bytes - sizeof(OptionHead));
  at = store(at, OptionHead{option_code::custom_not_copied, length});
  std::memset(at, 0, length);
  return at + length;
}

std::byte* store_filler(std::byte* at, std::uint32_t bytes) noexcept {
  base::require(bytes % 4 == 0 && bytes >= smallest_block_bytes, "a filler is a multiple of 4, at least 12 bytes long");
  while (bytes != 0) {
    std::uint32_t length = std::min(bytes, largest_filler_bytes);
    // What is left over must be able to hold a block, too.
    if (bytes - length != 0 && bytes - length < smallest_block_bytes) length -= smallest_block_bytes;
    at = store(at, BlockHead{block_type::filler, length});
    std::memset(at, 0, length - smallest_block_bytes);
    at = store(at + (length - smallest_block_bytes), length);
    bytes -= length;
  }
  return at;
}

}  // namespace ringtail::pcapfile::pcapng
