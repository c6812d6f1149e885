#include "dpdk/stamp_clock.hpp"

namespace ringtail::dpdk {

namespace {

constexpr std::uint64_t ns_per_second = 1'000'000'000;
// Between two looks, for the first to tell how old a packet of the second can be.
constexpr std::uint64_t looks_per_second = 100;
// An application's thread may be stopped between stamp and ring, but hardly so long.
constexpr std::int64_t longest_stop_ns = 500'000'000;

}  // namespace

StampClock::StampClock(std::uint64_t ticks_per_second) noexcept
    : ticks_per_ns_(static_cast<double>(ticks_per_second) / static_cast<double>(ns_per_second)),
      ticks_per_second_(ticks_per_second) {}

void StampClock::begin_look(std::uint64_t now_ticks, std::uint64_t empty_ticks) noexcept {
  if (observed_) given_ticks_ = to_ticks(latest_stamp_);
  now_ticks_ = now_ticks;
  // In whole seconds and the rest, which does not overflow below 18 GHz.
  now_ns_ =
      now_ticks / ticks_per_second_ * ns_per_second + now_ticks % ticks_per_second_ * ns_per_second / ticks_per_second_;
  was_just_empty_ = empty_ticks != 0 && now_ticks - empty_ticks < ticks_per_second_ / looks_per_second;
}

void StampClock::observe(std::uint64_t stamp) noexcept {
  const std::int64_t delay = delay_ns(stamp);
  const bool quicker = !observed_ || delay < least_delay_ns_;
  const bool clock_went_back = was_just_empty_ && !quicker && delay - least_delay_ns_ > longest_stop_ns;
  if (!observed_ || clock_went_back || static_cast<std::int64_t>(stamp - latest_stamp_) > 0) latest_stamp_ = stamp;
  if (!quicker && !clock_went_back) return;
  least_delay_ns_ = delay;
  floor_ticks_ = given_ticks_;
  observed_ = true;
}

}  // namespace ringtail::dpdk
