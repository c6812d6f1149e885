// What the receiving thread does while nothing arrives: nobody wakes it, so it has to look.
#pragma once

#include <cstdint>
#include <ctime>
#include <rte_pause.h>

namespace ringtail::dpdk {

/// Looks again at once for a while, then sleeps briefly between looks. A device with 1,024 descriptors is full 69 us
/// after a burst of smallest frames begins on a 10 Gbit/s link, so the sleeps stay below that.
class IdleWait {
 public:
  explicit IdleWait(bool may_sleep) noexcept : may_sleep_(may_sleep) {}

  /// After a look that found something.
  void begin_anew() noexcept { looks_ = 0; }

  /// Between two looks that found nothing.
  void wait() noexcept {
    rte_pause();
    if (!may_sleep_ || ++looks_ < looks_before_sleep) return;
    constexpr long sleep_ns = 20'000;  // the kernel's timer slack adds 50 us unless the thread has set its own
    const timespec duration{.tv_sec = 0, .tv_nsec = sleep_ns};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &duration, nullptr);
  }

 private:
  static constexpr std::uint32_t looks_before_sleep = 2000;
  std::uint32_t looks_ = 0;
  bool may_sleep_;
};

}  // namespace ringtail::dpdk
