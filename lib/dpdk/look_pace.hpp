// How often the receiving thread looks at a device that is not busy: nobody wakes it, so it has to look.
#pragma once

#include <cstdint>
#include <ctime>

namespace ringtail::dpdk {

/// Between two looks the thread may nap, as long as the device has room for what comes meanwhile. While more comes than
/// that, it looks all the time: a device with 1,024 descriptors is full 69 us after a burst of smallest frames begins
/// on a 10 Gbit/s link.
///
/// How much comes is known whenever a look finds nothing: what was found since the look before that found nothing, and
/// how long it took.
///
/// One thread.
class LookPace {
 public:
  explicit LookPace(std::uint64_t ticks_per_second) noexcept
      : shortest_measure_ticks_(ticks_per_second / 1'000'000 * shortest_measure_us),
        nap_ticks_(ticks_per_second / 1'000'000 * nap_us) {}

  /// After a look that found something.
  void found(std::uint32_t packets) noexcept { arrived_ += packets; }

  /// After a look at `now_ticks` that found nothing: whether to nap before the next one.
  [[nodiscard]] bool may_nap(std::uint64_t now_ticks) noexcept {
    const std::uint64_t passed_ticks = now_ticks - measured_ticks_;
    if (passed_ticks < shortest_measure_ticks_) return false;
    const bool is_light = arrived_ * nap_ticks_ <= most_packets_during_nap * passed_ticks;
    measured_ticks_ = now_ticks;
    arrived_ = 0;
    return is_light;
  }

  static void nap() noexcept {
    constexpr long sleep_ns = 20'000;
    const timespec duration{.tv_sec = 0, .tv_nsec = sleep_ns};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &duration, nullptr);
  }

 private:
  static constexpr std::uint64_t shortest_measure_us = 20;
  // 20 us of sleep, 50 us of timer slack unless the thread has set its own, and the way back to work.
  static constexpr std::uint64_t nap_us = 100;
  static constexpr std::uint64_t most_packets_during_nap = 128;  // an eighth of the usual ring

  const std::uint64_t shortest_measure_ticks_;
  const std::uint64_t nap_ticks_;
  std::uint64_t measured_ticks_ = 0;
  std::uint64_t arrived_ = 0;  // since then
};

}  // namespace ringtail::dpdk
