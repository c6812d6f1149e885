// How an Enhanced Packet Block ends that was begun inside a ring block: padding, what is known about the packet, and as
// much filling as it takes to reach a given place.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pcapfile/pcapng.hpp"

namespace ringtail::pcapfile::pcapng {

/// A packet block whose head and packet bytes stand, and whose end depends on what comes next. Offsets are from
/// InPlace::base.
///
///      begin      begin + 28      data_end
///      | head     | packet bytes  | pad | options .. | opt_endofopt | total |
struct OpenPacketBlock {
  std::uint32_t begin = 0;
  std::uint32_t data_end = 0;  ///< padding not included
  std::uint32_t flags = 0;     ///< packet_flags
  std::uint32_t rx_hash = 0;

  [[nodiscard]] bool is_open() const noexcept { return data_end != 0; }
};

/// Bytes of the options that say what the kernel ring knows, without the end of the list. It knows no queue.
[[nodiscard]] inline std::uint32_t known_options_bytes(std::uint32_t flags) noexcept {
  return ((flags & packet_flags::pcapng_mask) != 0 ? flags_option_bytes : 0) +
         ((flags & packet_flags::rx_hash_valid) != 0 ? hash_option_bytes : 0);
}

/// A list of these options, its end included; 0 for none.
[[nodiscard]] inline std::uint32_t option_list_bytes(std::uint32_t flags) noexcept {
  const std::uint32_t known = known_options_bytes(flags);
  return known == 0 ? 0 : known + end_of_options_bytes;
}

inline std::byte* store_known_options(std::byte* at, std::uint32_t flags, std::uint32_t rx_hash) noexcept {
  if ((flags & packet_flags::pcapng_mask) != 0) at = store_flags_option(at, flags);
  if ((flags & packet_flags::rx_hash_valid) != 0) at = store_hash_option(at, rx_hash);
  return at;
}

/// Ends the block exactly at `end`, which is a multiple of 4 and at least 4 behind the padded packet bytes. Where
/// options do not fit, fewer are written; where more than one padding option would be needed, fillers follow the block.
void close_packet_block(std::byte* base, const OpenPacketBlock& block, std::uint32_t end) noexcept;

/// Ends the block at a multiple of `alignment` (at least 4), which is not beyond `limit`; returns that end.
[[nodiscard]] std::uint32_t close_packet_block_aligned(std::byte* base, const OpenPacketBlock& block,
                                                       std::uint32_t alignment, std::uint32_t limit) noexcept;

/// Covers [begin, returned end) with fillers so that the end is a multiple of `alignment`.
[[nodiscard]] std::uint32_t fill_up(std::byte* base, std::uint32_t begin, std::uint32_t alignment) noexcept;

}  // namespace ringtail::pcapfile::pcapng
