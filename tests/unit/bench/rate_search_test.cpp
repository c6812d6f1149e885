#include "bench/rate_search.hpp"

#include <gmock/gmock.h>

namespace ringtail::bench {
namespace {

constexpr RateTrial lossless(double rate) {
  return {rate, 100, 100};
}
constexpr RateTrial lossy(double rate) {
  return {rate, 100, 99};
}

TEST(RateBounds, AreTheHighestRateWithoutAndTheLowestWithLoss) {
  const RateTrial trials[] = {lossy(1000), lossless(500), lossy(750), lossless(625)};
  const RateBounds bounds = bounds_of(trials);
  EXPECT_EQ(bounds.lossless_per_second, 625);
  EXPECT_EQ(bounds.lossy_per_second, 750);
}

TEST(RateBounds, OfOneLosslessTrialHaveNoUpperEnd) {
  const RateTrial trials[] = {lossless(1000)};
  EXPECT_EQ(bounds_of(trials).lossless_per_second, 1000);
  EXPECT_EQ(bounds_of(trials).lossy_per_second, 0);
}

TEST(RateBounds, DoNotCountALuckyTrialAboveALoss) {
  const RateTrial trials[] = {lossless(900), lossy(600), lossless(400)};
  const RateBounds bounds = bounds_of(trials);
  EXPECT_EQ(bounds.lossless_per_second, 400);
  EXPECT_EQ(bounds.lossy_per_second, 600);
}

TEST(RateBounds, OfNothingButLossesHaveNoLowerEnd) {
  const RateTrial trials[] = {lossy(1000), lossy(500)};
  EXPECT_EQ(bounds_of(trials).lossless_per_second, 0);
  EXPECT_EQ(bounds_of(trials).lossy_per_second, 500);
}

}  // namespace
}  // namespace ringtail::bench
