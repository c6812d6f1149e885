// How long something took: not each time, but how many times between this and that.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ringtail {

/// Counts in buckets with fixed bounds, so that those of several threads, files and machines can be added up. Plain
/// memory, for one thread; adding a time is a few comparisons.
struct LatencyHistogram {
  /// A time belongs to the first bucket whose bound it does not exceed.
  static constexpr std::array<std::uint64_t, 16> bounds_us{100,       250,       500,       1'000,     2'500,   5'000,
                                                           10'000,    25'000,    50'000,    100'000,   250'000, 500'000,
                                                           1'000'000, 2'500'000, 5'000'000, 10'000'000};

  std::array<std::uint64_t, bounds_us.size() + 1> counts{};  ///< one for each bound; the last: longer than all of them
  std::uint64_t total_ns = 0;                                ///< of all times together

  void add(std::chrono::nanoseconds time) noexcept {
    const auto ns = static_cast<std::uint64_t>(std::max<std::chrono::nanoseconds::rep>(time.count(), 0));
    std::size_t bucket = 0;
    while (bucket < bounds_us.size() && ns > bounds_us[bucket] * 1'000) ++bucket;
    ++counts[bucket];
    total_ns += ns;
  }

  [[nodiscard]] std::uint64_t count() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t each : counts) sum += each;
    return sum;
  }

  /// What that `share` of the times (0.99) did not exceed, as exact as the bucket is narrow: within it times are taken
  /// to be spread evenly, as Prometheus' histogram_quantile() does. Never more than the last bound; 0: nothing counted.
  [[nodiscard]] double quantile_seconds(double share) const noexcept {
    const double rank = share * static_cast<double>(count());
    double below = 0;
    double lower_us = 0;
    for (std::size_t bucket = 0; bucket < bounds_us.size(); ++bucket) {
      const auto upper_us = static_cast<double>(bounds_us[bucket]);
      const auto here = static_cast<double>(counts[bucket]);
      if (here > 0 && below + here >= rank) return (lower_us + (upper_us - lower_us) * (rank - below) / here) / 1e6;
      below += here;
      lower_us = upper_us;
    }
    return counts.back() == 0 ? 0 : lower_us / 1e6;
  }

  LatencyHistogram& operator+=(const LatencyHistogram& other) noexcept {
    for (std::size_t bucket = 0; bucket < counts.size(); ++bucket) counts[bucket] += other.counts[bucket];
    total_ns += other.total_ns;
    return *this;
  }
  LatencyHistogram& operator-=(const LatencyHistogram& other) noexcept {
    for (std::size_t bucket = 0; bucket < counts.size(); ++bucket) counts[bucket] -= other.counts[bucket];
    total_ns -= other.total_ns;
    return *this;
  }
};

}  // namespace ringtail
