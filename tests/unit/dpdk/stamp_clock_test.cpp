#include "dpdk/stamp_clock.hpp"

#include <gtest/gtest.h>

namespace ringtail::dpdk {
namespace {

constexpr std::uint64_t hz = 2'500'000'000;
constexpr std::uint64_t start = 7'123'456'789'000;  // of the TSC
constexpr std::uint64_t us = hz / 1'000'000;

// As an application with the clock of rte_pcapng.c stamps.
std::uint64_t stamp_at(std::uint64_t ticks, std::uint64_t offset_ns = 1'700'000'000'000'000'000) {
  return offset_ns + (ticks - start) / 5 * 2;  // 0.4 ns per tick
}

std::uint64_t distance(std::uint64_t left, std::uint64_t right) {
  return left > right ? left - right : right - left;
}

TEST(StampClock, PacketsAreAsOldAsTheQuickestSoFarAllows) {
  StampClock clock(hz);
  std::uint64_t worst = 0;
  for (std::uint64_t packet = 0; packet < 1000; ++packet) {
    const std::uint64_t stamped = start + packet * 1000 * us;
    const std::uint64_t found = stamped + (packet % 50 + 1) * us;  // 1 to 50 us in the ring
    clock.begin_look(found, 0);
    clock.observe(stamp_at(stamped));
    const std::uint64_t ticks = clock.to_ticks(stamp_at(stamped));
    EXPECT_LE(ticks, found);
    worst = distance(ticks, stamped);
  }
  EXPECT_LE(worst, us + 10) << "not later than the quickest packet was";
}

TEST(StampClock, ABetterOffsetSendsNoPacketBack) {
  StampClock clock(hz);
  const std::uint64_t first = start + 2900 * us;
  clock.begin_look(first + 100 * us, 0);
  clock.observe(stamp_at(first));
  EXPECT_EQ(clock.to_ticks(stamp_at(first)), first + 100 * us) << "as if it had taken no time";
  const std::uint64_t second = first + 50 * us;
  const std::uint64_t third = first + 150 * us;
  clock.begin_look(third + us, 0);
  clock.observe(stamp_at(second));
  clock.observe(stamp_at(third));  // quicker
  EXPECT_EQ(clock.to_ticks(stamp_at(second)), first + 100 * us) << "not before the first";
  EXPECT_LE(distance(clock.to_ticks(stamp_at(third)), third), us + 10);
  const std::uint64_t fourth = third + 1000 * us;
  clock.begin_look(fourth + us, 0);
  clock.observe(stamp_at(fourth));
  const std::uint64_t of_another_thread = fourth - 20 * us;  // and later in the ring
  EXPECT_LE(distance(clock.to_ticks(stamp_at(of_another_thread)), of_another_thread), us + 10);
}

TEST(StampClock, ABacklogOfSecondsIsTimedAsItHappened) {
  StampClock clock(hz);
  clock.begin_look(start + 1, 0);
  clock.observe(stamp_at(start));
  const std::uint64_t late = start + 5 * hz;
  clock.begin_look(late, 0);
  for (std::uint64_t stamped = start + hz; stamped < late; stamped += hz / 4) {
    clock.observe(stamp_at(stamped));
    EXPECT_LE(distance(clock.to_ticks(stamp_at(stamped)), stamped), 10U);
  }
}

TEST(StampClock, AClockThatJumpsIsFollowed) {
  constexpr std::uint64_t second_ns = 1'000'000'000;
  for (const std::uint64_t jumped : {1'700'000'001 * second_ns, 1'699'999'999 * second_ns}) {
    StampClock clock(hz);
    clock.begin_look(start + us, start);
    clock.observe(stamp_at(start + us));
    const std::uint64_t stamped = start + 1000 * us;
    clock.begin_look(stamped + us, stamped - us);
    clock.observe(stamp_at(stamped, jumped));
    EXPECT_LE(distance(clock.to_ticks(stamp_at(stamped, jumped)), stamped), us + 10);
    const std::uint64_t quicker = stamped + 500 * us;
    clock.begin_look(quicker, quicker - us);
    clock.observe(stamp_at(quicker, jumped));
    EXPECT_LE(distance(clock.to_ticks(stamp_at(quicker, jumped)), quicker), 10U);
  }
}

}  // namespace
}  // namespace ringtail::dpdk
