// "At most this long", on the clock that nobody sets.
#pragma once

#include <algorithm>
#include <chrono>

namespace ringtail::base {

/// A point in monotonic time, or never. Negative durations mean never.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] static Deadline after(std::chrono::nanoseconds duration) {
    // Past a year is never: it also keeps the addition from overflowing.
    constexpr std::chrono::nanoseconds longest = std::chrono::hours(24 * 365);
    if (duration < std::chrono::nanoseconds::zero() || duration > longest) return Deadline(Clock::time_point::max());
    return Deadline(Clock::now() + duration);
  }
  [[nodiscard]] static Deadline never() { return Deadline(Clock::time_point::max()); }

  [[nodiscard]] bool is_never() const { return at_ == Clock::time_point::max(); }
  [[nodiscard]] bool has_passed() const { return !is_never() && Clock::now() >= at_; }

  /// What is left, never below zero and never above `limit`.
  [[nodiscard]] std::chrono::nanoseconds remaining(std::chrono::nanoseconds limit) const {
    if (is_never()) return limit;
    const std::chrono::nanoseconds left = at_ - Clock::now();
    return std::clamp(left, std::chrono::nanoseconds::zero(), limit);
  }

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

}  // namespace ringtail::base
