// Going from block to block through pcapng bytes that may be damaged. Knows the frame around a block, not what is in
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "pcapfile/bytes.hpp"

namespace ringtail::pcapfile::pcapng {

enum class Framing : std::uint8_t {
  whole,       ///< all of the block is here and its two lengths agree
  incomplete,  ///< it goes on behind the bytes given
  broken,      ///< no block begins here
};

struct BlockLook {
  Framing framing = Framing::broken;
  std::uint32_t type = 0;          ///< whole, incomplete
  std::uint32_t total_length = 0;  ///< whole; incomplete: how many bytes are needed to go on
  const char* problem = nullptr;   ///< broken: what is wrong, for people
};

/// Looks at the block that begins at bytes[0]. A section header says itself in which byte order it is: `order` is
/// brought into line with it. Blocks are multiples of 4, so whoever searches behind a hole looks at every fourth byte.
[[nodiscard]] BlockLook look_at_block(std::span<const std::byte> bytes, ByteOrder& order) noexcept;

/// The block's length as given behind it: the last four bytes.
[[nodiscard]] inline bool trailer_agrees(const std::byte* trailer, std::uint32_t total_length,
                                         ByteOrder order) noexcept {
  return order.u32(trailer) == total_length;
}

}  // namespace ringtail::pcapfile::pcapng
