// Moving a packet's bytes to a lower address, where the two places may overlap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ringtail::pcapfile {

// 16 bytes that fit one register on every 64-bit machine, without asking which.
using Lane = std::uint64_t __attribute__((vector_size(16), may_alias));

/// Moves 64 bytes: all are read before the first is written.
inline void move_64_bytes(std::byte* to, const std::byte* from) noexcept {
  Lane lanes[4];
  std::memcpy(&lanes[0], from, 16);
  std::memcpy(&lanes[1], from + 16, 16);
  std::memcpy(&lanes[2], from + 32, 16);
  std::memcpy(&lanes[3], from + 48, 16);
  std::memcpy(to, &lanes[0], 16);
  std::memcpy(to + 16, &lanes[1], 16);
  std::memcpy(to + 32, &lanes[2], 16);
  std::memcpy(to + 48, &lanes[3], 16);
}

/// Moves `bytes` down from `from` to `to` < `from`. May move up to 63 bytes more, as long as those it reads lie before
/// `limit`: so at most the bytes from `to` + `bytes` to `from` + `bytes` + 63 lose their value.
inline void move_down(std::byte* to, const std::byte* from, std::uint32_t bytes, const std::byte* limit) noexcept {
  constexpr std::uint32_t longest_inline = 512;  // beyond this memmove's wider registers win (in_place_bench)
  const std::uint32_t rounded = (bytes + 63U) & ~63U;
  if (rounded > longest_inline || from + rounded > limit) {
    std::memmove(to, from, bytes);
    return;
  }
  for (std::uint32_t at = 0; at < rounded; at += 64) move_64_bytes(to + at, from + at);
}

}  // namespace ringtail::pcapfile
