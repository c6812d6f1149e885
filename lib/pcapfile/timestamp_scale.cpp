#include "pcapfile/timestamp_scale.hpp"

#include <limits>

namespace ringtail::pcapfile {

namespace {

__extension__ using Wide = __int128;  // 64-bit units times 10^9 need 94 bits

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr unsigned nanosecond_exponent = 9;
constexpr unsigned largest_exponent = 19;  // 10^19 is the last power of ten in 64 bits

constexpr std::uint64_t power_of_ten(unsigned exponent) {
  std::uint64_t power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

}  // namespace

TimestampScale::TimestampScale(std::uint8_t resolution, std::int64_t offset_seconds) noexcept
    : offset_seconds_(offset_seconds) {
  const unsigned exponent = resolution & 0x7fU;
  if ((resolution & 0x80U) != 0) {
    multiplier_ = second_ns;
    shift_ = static_cast<std::uint8_t>(exponent);
  } else if (exponent <= nanosecond_exponent) {
    multiplier_ = power_of_ten(nanosecond_exponent - exponent);
  } else {
    const unsigned excess = exponent - nanosecond_exponent;
    divisor_ = excess <= largest_exponent ? power_of_ten(excess) : 0;
  }
  is_nanoseconds_ = resolution == nanosecond_exponent && offset_seconds == 0;
}

std::uint64_t TimestampScale::convert(std::uint64_t units) const noexcept {
  constexpr Wide latest = std::numeric_limits<std::uint64_t>::max();
  Wide time_ns = 0;
  if (divisor_ != 0) time_ns = (static_cast<Wide>(units) * multiplier_ >> shift_) / divisor_;
  time_ns += static_cast<Wide>(offset_seconds_) * second_ns;
  if (time_ns < 0) return 0;
  return static_cast<std::uint64_t>(time_ns < latest ? time_ns : latest);
}

}  // namespace ringtail::pcapfile
