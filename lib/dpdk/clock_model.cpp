#include "dpdk/clock_model.hpp"

#include <cmath>

namespace ringtail::dpdk {

namespace {

// Further off than any crystal drifts: the wall clock was set between the two observations.
constexpr double plausible_deviation = 1e-3;
// Below this, reading both clocks "together" is too coarse to measure a rate.
constexpr double shortest_interval_ns = 5e6;

}  // namespace

ClockModel::ClockModel(double ticks_per_second) noexcept
    : multiplier_(static_cast<std::int64_t>(std::ldexp(1e9 / ticks_per_second, fraction_bits))),
      nominal_ns_per_tick_(1e9 / ticks_per_second) {}

void ClockModel::observe(std::uint64_t ticks, std::uint64_t wall_ns) noexcept {
  if (observed_) {
    const auto elapsed_ticks = static_cast<double>(static_cast<std::int64_t>(ticks - base_ticks_));
    const auto elapsed_ns = static_cast<double>(static_cast<std::int64_t>(wall_ns - base_ns_));
    const double ns_per_tick = elapsed_ns / elapsed_ticks;
    if (elapsed_ns >= shortest_interval_ns &&
        std::abs(ns_per_tick / nominal_ns_per_tick_ - 1.0) < plausible_deviation) {
      multiplier_ = static_cast<std::int64_t>(std::ldexp(ns_per_tick, fraction_bits));
    }
  }
  base_ticks_ = ticks;
  base_ns_ = wall_ns;
  observed_ = true;
}

}  // namespace ringtail::dpdk
