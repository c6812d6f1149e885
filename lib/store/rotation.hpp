// When one file ends and the next begins.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

#include <ringtail/recorder.hpp>

namespace ringtail::store {

/// How much a file takes at most. Packets are exact; bytes are reached, and passed by one record at most.
struct FileLimits {
  static constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t bytes = none;
  std::uint64_t packets = none;
};

/// The time-driven half of Rotation.
class RotationClock {
 public:
  using Steady = std::chrono::steady_clock;
  using Wall = std::chrono::system_clock;

  RotationClock(std::optional<std::chrono::nanoseconds> duration, std::optional<std::chrono::seconds> interval)
      : duration_(duration), interval_(interval) {}

  void file_opened(Steady::time_point now, Wall::time_point wall_now) {
    if (duration_) ends_at_ = now + *duration_;
    if (interval_) ends_at_wall_ = next_multiple(wall_now);
  }

  /// `wall_now` is a function, for it is only asked where an interval was set.
  template <typename WallNow>
  [[nodiscard]] bool is_due(Steady::time_point now, WallNow&& wall_now) const {
    return (duration_ && now >= ends_at_) || (interval_ && is_past_interval(wall_now()));
  }

 private:
  /// A clock that was set back, by an hour say, makes no file an hour longer. Less than an interval is no matter:
  /// many clocks are set by a little now and then.
  [[nodiscard]] bool is_past_interval(Wall::time_point wall_now) const {
    return wall_now >= ends_at_wall_ || ends_at_wall_ - wall_now > 2 * *interval_;
  }
  [[nodiscard]] Wall::time_point next_multiple(Wall::time_point wall_now) const {
    const auto since_epoch = std::chrono::floor<std::chrono::seconds>(wall_now.time_since_epoch());
    return Wall::time_point((since_epoch / *interval_ + 1) * *interval_);
  }

  std::optional<std::chrono::nanoseconds> duration_;
  std::optional<std::chrono::seconds> interval_;
  Steady::time_point ends_at_{};
  Wall::time_point ends_at_wall_{};
};

}  // namespace ringtail::store
