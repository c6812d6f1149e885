#include "tpacket/block_pace.hpp"

#include <gtest/gtest.h>

namespace ringtail::tpacket {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t start_ns = 1'700'000'000'000'000'000;

constexpr std::uint64_t after(std::chrono::nanoseconds time) {
  return start_ns + static_cast<std::uint64_t>(time.count());
}

constexpr BlockTimes filled_in(std::chrono::nanoseconds time) {
  return {start_ns - static_cast<std::uint64_t>(time.count()), start_ns};
}

TEST(BlockPace, NapsUntilTheNextBlockIsFull) {
  const BlockPace pace(64, 4ms);
  EXPECT_EQ(pace.nap(filled_in(7ms), after(0ms)), 7ms);
  EXPECT_EQ(pace.nap(filled_in(7ms), after(5ms)), 2ms);
}

TEST(BlockPace, LetsFastBlocksGatherWithinThePatience) {
  const BlockPace patient(64, 4ms);
  EXPECT_EQ(patient.nap(filled_in(700us), after(0ms)), 2800us) << "a sixteenth of the ring";
  EXPECT_EQ(patient.nap(filled_in(2ms), after(0ms)), 4ms) << "no longer than the patience";
  const BlockPace hasty(64, 40us);
  EXPECT_EQ(hasty.nap(filled_in(700us), after(0ms)), 700us) << "a short retire timeout wants each block at once";
}

TEST(BlockPace, LooksMoreOftenWhenABlockIsLateAndThenLeavesItToTheEvent) {
  const BlockPace pace(64, 0ms);
  EXPECT_EQ(pace.nap(filled_in(4ms), after(5ms)), 500us);
  EXPECT_EQ(pace.nap(filled_in(4ms), after(12ms)), 0ns);
  EXPECT_EQ(pace.nap(filled_in(100us), after(150us)), 50us) << "shorter sleeps are not to be had";
}

TEST(BlockPace, LeavesSlowTrafficToTheEvent) {
  const BlockPace pace(64, 4ms);
  EXPECT_EQ(pace.nap(filled_in(100ms), after(0ms)), 0ns) << "the retire timer's blocks";
  EXPECT_EQ(pace.nap({}, after(0ms)), 0ns) << "no block has come yet";
}

TEST(BlockPace, NeverSleepsOverASmallRing) {
  const BlockPace pace(15, 4ms);
  EXPECT_EQ(pace.nap(filled_in(1ms), after(0ms)), 0ns);
}

TEST(BlockPace, IsNotFooledByAClockThatWasSet) {
  const BlockPace pace(64, 4ms);
  EXPECT_EQ(pace.nap(filled_in(1ms), start_ns - 1), 0ns) << "back";
  EXPECT_EQ(pace.nap(filled_in(1ms), after(24h)), 0ns) << "forward";
  EXPECT_EQ(pace.nap({start_ns, start_ns - 1}, after(0ms)), 0ns) << "while the block was open";
}

}  // namespace
}  // namespace ringtail::tpacket
