// From a file's units of time to nanoseconds.
#pragma once

#include <cstdint>

namespace ringtail::pcapfile {

/// Units of 10^-n or 2^-n seconds, counted from some second of 1970 on or later (pcapng: if_tsresol, if_tsoffset).
class TimestampScale {
 public:
  static constexpr std::uint8_t default_resolution = 6;  // what a file means that does not say: microseconds

  TimestampScale() noexcept : TimestampScale(default_resolution, 0) {}
  /// `resolution` as in if_tsresol: top bit set for powers of 2. Any value is good.
  TimestampScale(std::uint8_t resolution, std::int64_t offset_seconds) noexcept;

  /// Fractions of a nanosecond are cut off. Times before 1970 become 0, those past 2554 the highest number.
  [[nodiscard]] std::uint64_t to_ns(std::uint64_t units) const noexcept {
    return is_nanoseconds_ ? units : convert(units);
  }

 private:
  [[nodiscard]] std::uint64_t convert(std::uint64_t units) const noexcept;

  std::uint64_t multiplier_ = 1;
  std::uint64_t divisor_ = 1;  // 0: a unit is so short that no number of them makes a nanosecond
  std::int64_t offset_seconds_ = 0;
  std::uint8_t shift_ = 0;
  bool is_nanoseconds_ = false;
};

}  // namespace ringtail::pcapfile
