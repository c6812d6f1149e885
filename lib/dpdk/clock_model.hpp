// From ticks of a free-running counter (TSC, a NIC's clock) to nanoseconds since 1970.
#pragma once

#include <cstdint>

namespace ringtail::dpdk {

/// A straight line through the last observation. Observing again, about once a second, follows the drift of the counter
/// and steps of the wall clock; converting is one multiplication.
class ClockModel {
 public:
  /// `ticks_per_second`: the counter's nominal rate, > 0.
  explicit ClockModel(double ticks_per_second) noexcept;

  /// `ticks` and `wall_ns` were read together. Not faster than a few times a second: the rate is measured between
  /// observations.
  void observe(std::uint64_t ticks, std::uint64_t wall_ns) noexcept;

  /// Also for ticks somewhat before the last observation. At least one observation was made.
  [[nodiscard]] std::uint64_t to_ns(std::uint64_t ticks) const noexcept {
    const auto elapsed = static_cast<std::int64_t>(ticks - base_ticks_);
    return base_ns_ + static_cast<std::uint64_t>((static_cast<Wide>(elapsed) * multiplier_) >> fraction_bits);
  }

 private:
  __extension__ using Wide = __int128;
  static constexpr unsigned fraction_bits = 32;

  std::uint64_t base_ticks_ = 0;
  std::uint64_t base_ns_ = 0;
  std::int64_t multiplier_;  // nanoseconds per tick, 32 fraction bits
  double nominal_ns_per_tick_;
  bool observed_ = false;
};

}  // namespace ringtail::dpdk
