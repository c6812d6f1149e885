// Classic pcap as bytes: draft-ietf-opsawg-pcap, sections 4 and 5. Written in this machine's byte order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ringtail/packet.hpp>

#include "pcapfile/bytes.hpp"

namespace ringtail::pcapfile::pcap {

namespace magic {
inline constexpr std::uint32_t microseconds = 0xa1b2c3d4;
inline constexpr std::uint32_t nanoseconds = 0xa1b23c4d;
/// Alexey Kuznetsov's patched libpcap of the 1990s: microseconds and longer record heads. Read, never written.
inline constexpr std::uint32_t kuznetsov = 0xa1b2cd34;
}  // namespace magic

enum class Precision : std::uint8_t { microseconds, nanoseconds };

/// The file's first 24 bytes.
///
///      0       4     6     8       12      16      20      24
///      | magic | maj | min | 0     | 0     | snap. | link  |
struct FileHead {
  std::uint32_t magic;
  std::uint16_t major_version;
  std::uint16_t minor_version;
  std::uint32_t reserved_zone;
  std::uint32_t reserved_accuracy;
  std::uint32_t snaplen;
  std::uint32_t link_type;  ///< low 16 bits; above them what is known about frame check sequences
};
static_assert(sizeof(FileHead) == 24);
static_assert(offsetof(FileHead, snaplen) == 16);

/// In front of every packet; neither padding nor trailer follows the data.
///
///      0       4       8       12      16
///      | sec   | fract | capt. | wire  | data
struct RecordHead {
  std::uint32_t seconds;
  std::uint32_t fraction;  ///< micro- or nanoseconds
  std::uint32_t captured_length;
  std::uint32_t wire_length;
};
static_assert(sizeof(RecordHead) == 16);

/// What the Kuznetsov format has instead: eight bytes more, of no interest to anybody.
inline constexpr std::uint32_t kuznetsov_record_head_bytes = 24;

void append_file_header(std::vector<std::byte>& out, Precision precision, std::uint16_t link_type,
                        std::uint32_t snaplen);

/// Seconds beyond 2106 wrap: the field has 32 bits.
template <Precision precision>
[[nodiscard]] RecordHead make_record_head(const PacketDescriptor& packet) noexcept {
  constexpr std::uint64_t second_ns = 1'000'000'000;
  constexpr std::uint32_t fraction_ns = precision == Precision::nanoseconds ? 1 : 1000;
  return {.seconds = static_cast<std::uint32_t>(packet.timestamp_ns / second_ns),
          .fraction = static_cast<std::uint32_t>(packet.timestamp_ns % second_ns) / fraction_ns,
          .captured_length = packet.captured_length,
          .wire_length = packet.wire_length};
}

}  // namespace ringtail::pcapfile::pcap
