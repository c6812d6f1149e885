#include "flight_history.hpp"

#include <gtest/gtest.h>

#include <ringtail/source.hpp>

#include "fixture/fake_backend.hpp"
#include "fixture/numbered_frames.hpp"

namespace ringtail::daemon {
namespace {

using namespace std::chrono_literals;
using fixture::FakeBackend;
using Clock = FlightHistory::Clock;

constexpr std::uint32_t ring_blocks = 8;
constexpr std::uint64_t first_timestamp_ns = 1'000'000'000;

/// A ring that a fake kernel fills, and a history that holds what comes out of it. Frame n has the timestamp
/// first_timestamp_ns + n.
class FlightHistoryTest : public testing::Test {
 protected:
  FlightHistoryTest()
      : backend_(new FakeBackend(fixture::small_geometry(ring_blocks))),
        source_(detail::BackendPointer(backend_)),
        limits_{.age = 1h, .blocks = ring_blocks - 2, .batches = 3 * ring_blocks} {}

  void deliver(std::uint64_t frames, std::size_t frame_bytes = 1000) {
    for (std::uint64_t sent = 0; sent < frames; ++sent) {
      const auto bytes = fixture::make_numbered_frame(next_, frame_bytes);
      backend_->kernel().deliver({.bytes = bytes, .timestamp_ns = first_timestamp_ns + next_++});
    }
  }
  void hold_all(FlightHistory& history, Clock::time_point now = Clock::now()) {
    for (;;) {
      auto [status, batch] = source_.receive(0ns);
      if (status != ReceiveStatus::packets) break;
      delivered_ += batch.size();
      history.hold(std::move(batch), now);
    }
  }
  /// What a block's retire timer does on a slow link.
  void hand_over_and_hold(FlightHistory& history, std::uint64_t frames, Clock::time_point now = Clock::now()) {
    deliver(frames);
    backend_->kernel().retire_timer();
    hold_all(history, now);
  }
  static std::vector<std::uint64_t> numbers_of(const std::vector<HeldBatch>& taken) {
    std::vector<std::uint64_t> numbers;
    for (const HeldBatch& held : taken) {
      for (const PacketView packet : held.batch) {
        const auto frame = fixture::read_numbered_frame(packet.bytes());
        EXPECT_TRUE(frame.intact);
        numbers.push_back(frame.number);
      }
    }
    return numbers;
  }
  static std::vector<std::uint64_t> take(FlightHistory& history, std::uint64_t first_number) {
    std::vector<HeldBatch> taken;
    history.take_since(first_timestamp_ns + first_number, 0, taken);
    return numbers_of(taken);
  }
  static std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t end) {
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t number = first; number < end; ++number) numbers.push_back(number);
    return numbers;
  }

  FakeBackend* backend_;  // source_'s
  Source source_;
  FlightLimits limits_;
  std::uint64_t next_ = 0;
  std::uint64_t delivered_ = 0;
};

TEST_F(FlightHistoryTest, NeverCostsThePacketsThatFollow) {
  FlightHistory history(limits_);
  for (int round = 0; round < 20'000; ++round) {
    deliver(1);
    hold_all(history);
    ASSERT_LE(history.held_blocks(), limits_.blocks);
  }
  EXPECT_EQ(backend_->kernel().drops(), 0U);
  EXPECT_EQ(backend_->kernel().freezes(), 0U);
  EXPECT_EQ(history.held_blocks(), limits_.blocks);
  EXPECT_EQ(history.held_packets() + history.expired_packets(), delivered_);
  const auto held = take(history, 0);
  ASSERT_FALSE(held.empty());
  EXPECT_EQ(held, range(held.front(), delivered_)) << "the newest, without a gap";
  EXPECT_GT(held.size(), 5 * 200U) << "of about 250 a block";
}

TEST_F(FlightHistoryTest, LeavesBatchesForTheNextPackets) {
  limits_.batches = 5;
  FlightHistory history(limits_);
  for (int block = 0; block < 50; ++block) hand_over_and_hold(history, 1);
  EXPECT_EQ(history.held_packets(), 5U);
  EXPECT_EQ(take(history, 0), range(45, 50));
}

TEST_F(FlightHistoryTest, KeepsOneSparseBlockPerRetireTimeout) {
  FlightHistory history(limits_);
  for (int block = 0; block < 50; ++block) hand_over_and_hold(history, 2);
  EXPECT_EQ(history.held_blocks(), limits_.blocks);
  EXPECT_EQ(take(history, 0), range(2 * (50 - limits_.blocks), 100));
}

TEST_F(FlightHistoryTest, GivesBackWhatIsTooOld) {
  limits_.age = 10s;
  FlightHistory history(limits_);
  const auto start = Clock::now();
  hand_over_and_hold(history, 3, start);
  hand_over_and_hold(history, 4, start + 5s);
  EXPECT_EQ(history.held_time(start + 6s), 6s);
  history.expire(start + 10s);
  EXPECT_EQ(history.held_packets(), 7U) << "not older than that";
  history.expire(start + 11s);
  EXPECT_EQ(history.held_packets(), 4U);
  EXPECT_EQ(history.expired_packets(), 3U);
  history.expire(start + 1h);
  EXPECT_EQ(history.held_blocks(), 0U);
  EXPECT_EQ(history.held_bytes(), 0U);
  EXPECT_EQ(history.held_time(start + 1h), 0s);
}

TEST_F(FlightHistoryTest, KeepsNoMoreBytesThanItMay) {
  limits_.bytes = 20'000;
  FlightHistory history(limits_);
  for (int block = 0; block < 20; ++block) hand_over_and_hold(history, 5);
  EXPECT_LE(history.held_bytes(), 20'000U);
  EXPECT_GT(history.held_packets(), 10U);
  EXPECT_EQ(take(history, 0).back(), 99U);
}

TEST_F(FlightHistoryTest, HoldsTheNewestBatchEvenIfItIsMoreThanAllItMay) {
  limits_.bytes = 2'000;
  FlightHistory history(limits_);
  for (int block = 0; block < 3; ++block) hand_over_and_hold(history, 5);
  EXPECT_EQ(take(history, 0), range(10, 15));
}

TEST_F(FlightHistoryTest, TakesWhatIsNewerAndKeepsTheRest) {
  FlightHistory history(limits_);
  for (int block = 0; block < 4; ++block) hand_over_and_hold(history, 10);
  EXPECT_EQ(take(history, 25), range(25, 40));
  EXPECT_EQ(history.held_packets(), 20U) << "batches in which all is older stay";
  EXPECT_EQ(history.held_blocks(), 2U);
  EXPECT_EQ(history.expired_packets(), 5U) << "those before 25 in the same batch";
  hand_over_and_hold(history, 10);
  auto rest = range(0, 20);
  for (const std::uint64_t number : range(40, 50)) rest.push_back(number);
  EXPECT_EQ(take(history, 0), rest) << "in their order, and none twice";
  EXPECT_EQ(history.held_blocks(), 0U);
}

TEST_F(FlightHistoryTest, GivesBackTheOldestBlockWhole) {
  FlightHistory history(limits_);
  deliver(600);  // two blocks and a part, in batches of 256
  backend_->kernel().retire_timer();
  hold_all(history);
  const std::uint32_t blocks = history.held_blocks();
  ASSERT_GE(blocks, 2U);
  history.give_back_oldest_block();
  EXPECT_EQ(history.held_blocks(), blocks - 1);
  history.clear();
  history.give_back_oldest_block();
  EXPECT_EQ(history.expired_packets(), 600U);
}

}  // namespace
}  // namespace ringtail::daemon
