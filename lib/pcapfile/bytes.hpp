// Putting numbers into file bytes and getting them out again. Capture files promise no alignment, so everything goes
// through memcpy, which compiles to a plain move.
#pragma once

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

/// How a file's numbers are stored: as on this machine, or the other way round.
class ByteOrder {
 public:
  ByteOrder() noexcept = default;
  explicit ByteOrder(bool swapped) noexcept : swapped_(swapped) {}

  [[nodiscard]] std::uint16_t u16(const std::byte* at) const noexcept {
    const auto value = load<std::uint16_t>(at);
    return swapped_ ? __builtin_bswap16(value) : value;
  }
  [[nodiscard]] std::uint32_t u32(const std::byte* at) const noexcept {
    const auto value = load<std::uint32_t>(at);
    return swapped_ ? __builtin_bswap32(value) : value;
  }
  [[nodiscard]] std::uint64_t u64(const std::byte* at) const noexcept {
    const auto value = load<std::uint64_t>(at);
    return swapped_ ? __builtin_bswap64(value) : value;
  }

 private:
  bool swapped_ = false;
};

}  // namespace ringtail::pcapfile
