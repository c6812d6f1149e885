// The wall clock, read through the processor's time stamp counter (TSC).
#pragma once

#include <cstdint>
#include <rte_cycles.h>

#include "dpdk/clock_model.hpp"

namespace ringtail::dpdk {

/// Nanoseconds since 1970, by the system's clock.
[[nodiscard]] std::uint64_t wall_clock_ns() noexcept;

struct ClockPair {
  std::uint64_t ticks;
  std::uint64_t wall_ns;
};

/// Reads a counter and the wall clock at the same moment, or nearly: the counter before and after, and of a few tries
/// the one that was interrupted least.
template <typename ReadTicks>
[[nodiscard]] ClockPair read_with_wall_clock(ReadTicks read_ticks) noexcept {
  constexpr int tries = 5;
  ClockPair best{0, 0};
  std::uint64_t best_width = UINT64_MAX;
  for (int attempt = 0; attempt < tries; ++attempt) {
    const std::uint64_t before = read_ticks();
    const std::uint64_t wall_ns = wall_clock_ns();
    const std::uint64_t width = read_ticks() - before;
    if (width >= best_width) continue;
    best_width = width;
    best = {before + width / 2, wall_ns};
  }
  return best;
}

/// Belongs to the receiving thread. Reading it is a few instructions; once a second it is compared with the wall clock,
/// on the burst that comes first. More often at the beginning: DPDK knows the TSC's rate to 10 MHz only where it had to
/// measure it, and would be two milliseconds off after a second.
class HostClock {
 public:
  /// Takes ten milliseconds, in which it measures the TSC's rate.
  HostClock();

  /// The TSC now. Once per burst.
  [[nodiscard]] std::uint64_t now_ticks() noexcept {
    const std::uint64_t ticks = rte_rdtsc();
    if (ticks - observed_ticks_ >= interval_ticks_) [[unlikely]]
      observe();
    return ticks;
  }

  /// Nanoseconds since 1970 at `ticks`, which now_ticks() gave or which lie not long before. Where the TSC does not
  /// run evenly: now.
  [[nodiscard]] std::uint64_t to_ns(std::uint64_t ticks) const noexcept {
    return invariant_tsc_ ? tsc_.to_ns(ticks) : wall_clock_ns();
  }

 private:
  void observe() noexcept;

  ClockModel tsc_;
  std::uint64_t observed_ticks_ = 0;
  std::uint64_t interval_ticks_;  // until it is compared again
  bool invariant_tsc_;
};

}  // namespace ringtail::dpdk
