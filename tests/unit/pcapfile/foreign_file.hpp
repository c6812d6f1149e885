// Capture files as other machines and programs write them, number by number, in either byte order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "pcapfile/pcapng.hpp"

namespace ringtail::test {

inline std::vector<std::byte> to_bytes(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

class ForeignFile {
 public:
  explicit ForeignFile(bool swapped) : swapped_(swapped) {}

  ForeignFile& u16(unsigned value) {
    const auto narrow = static_cast<std::uint16_t>(value);
    return number(swapped_ ? __builtin_bswap16(narrow) : narrow);
  }
  ForeignFile& u32(std::uint32_t value) { return number(swapped_ ? __builtin_bswap32(value) : value); }
  ForeignFile& u64(std::uint64_t value) { return number(swapped_ ? __builtin_bswap64(value) : value); }
  ForeignFile& text(std::string_view text) { return append(to_bytes(text)); }
  ForeignFile& pad() {
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
    return *this;
  }

  /// A pcapng block: `fill` writes the body, which it pads to 4.
  template <typename Fill>
  ForeignFile& block(std::uint32_t type, Fill fill) {
    ForeignFile body(swapped_);
    fill(body);
    const auto total = static_cast<std::uint32_t>(body.bytes_.size() + pcapfile::pcapng::smallest_block_bytes);
    return u32(type).u32(total).append(body.bytes_).u32(total);
  }
  ForeignFile& section_header() {
    return block(pcapfile::pcapng::block_type::section_header, [](ForeignFile& body) {
      body.u32(pcapfile::pcapng::byte_order_magic).u16(1).u16(0).u64(0xffffffffffffffff);
    });
  }
  ForeignFile& interface_description(unsigned link_type, std::uint32_t snaplen) {
    return block(pcapfile::pcapng::block_type::interface_description,
                 [&](ForeignFile& body) { body.u16(link_type).u16(0).u32(snaplen); });
  }
  ForeignFile& enhanced_packet(std::uint32_t interface_index, std::string_view data) {
    const auto length = static_cast<std::uint32_t>(data.size());
    return block(pcapfile::pcapng::block_type::enhanced_packet, [&](ForeignFile& body) {
      body.u32(interface_index).u32(0).u32(1).u32(length).u32(length).text(data).pad();
    });
  }

  ForeignFile& append(const std::vector<std::byte>& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  ForeignFile& append(const ForeignFile& other) { return append(other.bytes_); }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  template <typename Number>
  ForeignFile& number(Number value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }

  bool swapped_;
  std::vector<std::byte> bytes_;
};

}  // namespace ringtail::test
