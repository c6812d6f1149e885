#include "dpdk/look_pace.hpp"

#include <gtest/gtest.h>

namespace ringtail::dpdk {
namespace {

constexpr std::uint64_t hz = 2'000'000'000;
constexpr std::uint64_t us = hz / 1'000'000;
constexpr std::uint64_t start = 987'654'321'000;

// Whether a thread would nap that found `packets` in `passed_us`.
bool naps_after(std::uint32_t packets, std::uint64_t passed_us) {
  LookPace pace(hz);
  (void)pace.may_nap(start);
  pace.found(packets);
  return pace.may_nap(start + passed_us * us);
}

TEST(LookPace, NapsWhenLittleComes) {
  EXPECT_TRUE(naps_after(0, 25));
  EXPECT_TRUE(naps_after(60, 100)) << "600,000 packets per second";
}

TEST(LookPace, LooksOnWhileANapWouldFillTheDevice) {
  EXPECT_FALSE(naps_after(200, 100)) << "two million packets per second";
  EXPECT_FALSE(naps_after(1488, 100)) << "10 Gbit/s";
}

TEST(LookPace, DoesNotJudgeByAFewLooks) {
  LookPace pace(hz);
  (void)pace.may_nap(start);
  pace.found(1);
  EXPECT_FALSE(pace.may_nap(start + us));
  EXPECT_TRUE(pace.may_nap(start + 25 * us)) << "one packet in 25 us is not much";
}

TEST(LookPace, JudgesAnewAfterEveryJudgement) {
  LookPace pace(hz);
  (void)pace.may_nap(start);
  pace.found(1000);
  EXPECT_FALSE(pace.may_nap(start + 30 * us));
  EXPECT_TRUE(pace.may_nap(start + 60 * us)) << "the burst is over";
}

}  // namespace
}  // namespace ringtail::dpdk
