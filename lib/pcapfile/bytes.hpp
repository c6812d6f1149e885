// Putting numbers into file bytes and getting them out again. Capture files promise no alignment, so everything goes
// through memcpy, which compiles to a plain move.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace ringtail::pcapfile {

/// Stores `value` at `at` in this machine's byte order and returns the address behind it.
template <typename Value>
std::byte* store(std::byte* at, const Value& value) noexcept {
  static_assert(std::is_trivially_copyable_v<Value>);
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

/// Reads a number or a layout struct as it stands.
template <typename Value>
[[nodiscard]] Value load(const std::byte* at) noexcept {
  static_assert(std::is_trivially_copyable_v<Value>);
  Value value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

[[nodiscard]] constexpr std::uint32_t align_up_4(std::uint32_t bytes) noexcept {
  return (bytes + 3U) & ~3U;
}

[[nodiscard]] constexpr std::uint16_t swap_bytes(std::uint16_t value) noexcept {
  return static_cast<std::uint16_t>(value << 8 | value >> 8);
}
[[nodiscard]] constexpr std::uint32_t swap_bytes(std::uint32_t value) noexcept {
  return __builtin_bswap32(value);
}
[[nodiscard]] constexpr std::uint64_t swap_bytes(std::uint64_t value) noexcept {
  return __builtin_bswap64(value);
}

}  // namespace ringtail::pcapfile
