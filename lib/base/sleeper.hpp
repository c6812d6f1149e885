// A thread that sleeps while there is nothing for it to do, and is woken by others.
//
//   sleeper                               others
//   asleep := true
//   looks once more: nothing?             something := there
//   waits for the bell  <──── rings ────  was asleep? asleep := false
//
// Waking a thread that is awake costs an exchange in memory and no system call.
#pragma once

#include <atomic>
#include <chrono>
#include <poll.h>
#include <utility>

#include "base/wake_event.hpp"

namespace ringtail::base {

/// Threads: one sleeps, any wake.
class Sleeper {
 public:
  /// Check is_open(), as of a WakeEvent.
  Sleeper() : bell_(WakeEvent::create()) {}
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  [[nodiscard]] bool is_open() const noexcept { return bell_.is_open(); }

  /// After there is something to do. Either this exchange comes before the first one in sleep(), which then acquires
  /// what was written before this and does not sleep; or it comes after, and sees that the sleeper sleeps, or is about
  /// to.
  void wake() noexcept {
    if (asleep_.exchange(false, std::memory_order_acq_rel)) bell_.signal();
  }

  /// Until somebody wakes it, but no longer than `longest`. `has_work()` looks whether there is something already.
  template <typename HasWork>
  void sleep(std::chrono::nanoseconds longest, HasWork&& has_work) {
    (void)asleep_.exchange(true, std::memory_order_acq_rel);  // pairs with wake()
    if (!has_work()) {
      pollfd bell{.fd = bell_.descriptor(), .events = POLLIN, .revents = 0};
      const timespec timeout{.tv_sec = longest / std::chrono::seconds(1),
                             .tv_nsec = (longest % std::chrono::seconds(1)).count()};
      (void)ppoll(&bell, 1, &timeout, nullptr);
    }
    (void)asleep_.exchange(false, std::memory_order_acq_rel);  // pairs with wake(), too
    bell_.drain();
  }

 private:
  WakeEvent bell_;
  std::atomic<bool> asleep_{false};
};

}  // namespace ringtail::base
