#include "store/writer_lanes.hpp"

#include <gtest/gtest.h>
#include <thread>

namespace ringtail::store {
namespace {

using namespace std::chrono_literals;

struct Parcel {
  std::unique_ptr<std::uint64_t> number;
  std::size_t lane = 0;
};
using Lanes = WriterLanes<Parcel>;

Parcel make_parcel(std::size_t lane, std::uint64_t number) {
  return {.number = std::make_unique<std::uint64_t>(number), .lane = lane};
}

TEST(WriterLanes, AFullLaneLeavesTheParcelWithTheReceiver) {
  const auto lanes = Lanes::create(2, 2).value();
  EXPECT_TRUE(lanes->has_room(0, 2));
  EXPECT_TRUE(lanes->push(0, make_parcel(0, 1)));
  EXPECT_FALSE(lanes->has_room(0, 2));
  EXPECT_TRUE(lanes->push(0, make_parcel(0, 2)));
  Parcel third = make_parcel(0, 3);
  EXPECT_FALSE(lanes->push(0, std::move(third)));
  ASSERT_NE(third.number, nullptr);
  EXPECT_TRUE(lanes->push(1, std::move(third))) << "another lane has room of its own";
}

TEST(WriterLanes, HasEndedWhenAllAreClosedAndEverythingIsTaken) {
  const auto lanes = Lanes::create(2, 4).value();
  int taken = 0;
  const auto take = [&taken](Parcel&&) { ++taken; };
  EXPECT_FALSE(lanes->take_some(take));
  EXPECT_TRUE(lanes->push(1, make_parcel(1, 0)));
  lanes->close(0);
  lanes->close(1);
  EXPECT_FALSE(lanes->has_ended());
  while (!lanes->has_ended()) (void)lanes->take_some(take);
  EXPECT_EQ(taken, 1);
}

TEST(WriterLanes, SleepersAreWoken) {
  const auto lanes = Lanes::create(1, 1).value();
  ASSERT_TRUE(lanes->push(0, make_parcel(0, 1)));
  std::thread writer([&lanes] {
    std::uint64_t next = 1;
    while (!lanes->has_ended()) {
      if (!lanes->take_some([&next](Parcel&& parcel) { EXPECT_EQ(*parcel.number, next++); })) lanes->wait(1h);
    }
    EXPECT_EQ(next, 5'001U);
  });
  for (std::uint64_t number = 2; number <= 5'000; ++number) {
    Parcel parcel = make_parcel(0, number);
    while (!lanes->push(0, std::move(parcel))) lanes->wait_for_room(0, 1, 1h);
  }
  lanes->close(0);
  writer.join();
}

TEST(WriterLanes, EachLaneKeepsItsOrderAndLosesNothing) {
  constexpr std::uint64_t each = 20'000;
  constexpr std::size_t lane_count = 3;
  const auto lanes = Lanes::create(lane_count, 64).value();
  std::vector<std::thread> receivers;
  for (std::size_t lane = 0; lane < lane_count; ++lane) {
    receivers.emplace_back([&lanes, lane] {
      for (std::uint64_t number = 0; number < each; ++number) {
        Parcel parcel = make_parcel(lane, number);
        while (!lanes->push(lane, std::move(parcel))) lanes->wait_for_room(lane, 1, 1h);
      }
      lanes->close(lane);
    });
  }
  std::uint64_t next[lane_count] = {};
  std::uint64_t wrong = 0;
  const auto take = [&](Parcel&& parcel) { wrong += *parcel.number == next[parcel.lane]++ ? 0 : 1; };
  while (!lanes->has_ended()) {
    if (!lanes->take_some(take)) lanes->wait(1h);
  }
  for (std::thread& receiver : receivers) receiver.join();
  EXPECT_EQ(wrong, 0U);
  for (const std::uint64_t count : next) EXPECT_EQ(count, each);
}

}  // namespace
}  // namespace ringtail::store
