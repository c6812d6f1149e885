#include "dpdk/clock_model.hpp"

#include <gtest/gtest.h>

namespace ringtail::dpdk {
namespace {

constexpr double ticks_per_second = 2.3e9;
constexpr std::uint64_t start_ticks = 987'654'321'000;
constexpr std::uint64_t start_ns = 1'790'000'000'000'000'000;
constexpr std::uint64_t second_ns = 1'000'000'000;

std::uint64_t ticks_after(double seconds, double rate = ticks_per_second) {
  return start_ticks + static_cast<std::uint64_t>(seconds * rate);
}

TEST(ClockModel, GoesThroughTheObservationInBothDirections) {
  ClockModel clock(ticks_per_second);
  clock.observe(start_ticks, start_ns);
  EXPECT_EQ(clock.to_ns(start_ticks), start_ns);
  EXPECT_NEAR(static_cast<double>(clock.to_ns(ticks_after(1.0)) - start_ns), 1e9, 2);
  EXPECT_NEAR(static_cast<double>(start_ns - clock.to_ns(start_ticks - 2'300'000)), 1e6, 2);
}

TEST(ClockModel, LearnsTheTrueRate) {
  constexpr double true_rate = ticks_per_second * (1 + 50e-6);  // a crystal 50 ppm off
  ClockModel clock(ticks_per_second);
  clock.observe(start_ticks, start_ns);
  EXPECT_GT(clock.to_ns(ticks_after(1.0, true_rate)) - start_ns, second_ns + 40'000);
  clock.observe(ticks_after(1.0, true_rate), start_ns + second_ns);
  EXPECT_NEAR(static_cast<double>(clock.to_ns(ticks_after(2.0, true_rate)) - start_ns), 2e9, 5);
}

TEST(ClockModel, FollowsAStepOfTheWallClockAndKeepsItsRate) {
  ClockModel clock(ticks_per_second);
  clock.observe(start_ticks, start_ns);
  const std::uint64_t an_hour_ns = 3600 * second_ns;
  clock.observe(ticks_after(1.0), start_ns + second_ns + an_hour_ns);
  EXPECT_EQ(clock.to_ns(ticks_after(1.0)), start_ns + second_ns + an_hour_ns);
  EXPECT_NEAR(static_cast<double>(clock.to_ns(ticks_after(2.0)) - start_ns - an_hour_ns), 2e9, 5);
}

TEST(ClockModel, TwoObservationsTooCloseToMeasureChangeNoRate) {
  ClockModel clock(ticks_per_second);
  clock.observe(start_ticks, start_ns);
  clock.observe(start_ticks + 2'300, start_ns + 1'500);  // a microsecond, read half a microsecond late
  EXPECT_NEAR(static_cast<double>(clock.to_ns(ticks_after(1.0)) - start_ns), 1e9, 1'000);
}

}  // namespace
}  // namespace ringtail::dpdk
