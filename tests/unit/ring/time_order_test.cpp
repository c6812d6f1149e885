// Packets of several sources leave in the order of their time stamps, held back no longer than they have to.
#include "ring/time_order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

#include "fixture/memory_backend.hpp"

namespace ringtail::ring {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class TimeOrderTest : public testing::Test {
 protected:
  static constexpr TimeOrder::Options options{.patience = 100ns, .disorder = 10ns, .most_batches = 8};

  void SetUp() override {
    for (auto& source : sources_) {
      backends_.push_back(test::MemoryBackend::create());
      source = std::make_unique<Source>(test::make_source(backends_.back()));
    }
  }

  /// A batch of packets of these times, as that source lends them.
  Batch make(std::size_t source, const std::vector<std::uint64_t>& times) {
    for (const std::uint64_t time : times) {
      test::MemoryPacket packet = test::make_numbered_packet(0, 60);
      packet.timestamp_ns = time;
      backends_[source]->push(std::move(packet));
    }
    return sources_[source]->receive(0ns).batch;
  }
  void add(std::size_t source, const std::vector<std::uint64_t>& times) {
    order_.add(source, make(source, times), now_);
  }

  static auto collector(std::vector<std::uint64_t>& times) {
    return [&times](std::size_t, const Batch& batch, std::uint32_t first, std::uint32_t count) {
      for (std::uint32_t index = first; index < first + count; ++index) times.push_back(batch[index].timestamp_ns());
    };
  }
  /// The times of what may go.
  std::vector<std::uint64_t> emit() {
    std::vector<std::uint64_t> times;
    order_.emit(now_, collector(times));
    return times;
  }
  std::vector<std::uint64_t> emit_all() {
    std::vector<std::uint64_t> times;
    order_.emit_all(collector(times));
    return times;
  }
  [[nodiscard]] std::uint32_t lent() const { return backends_[0]->lent() + backends_[1]->lent(); }

  std::vector<test::MemoryBackend*> backends_;
  std::unique_ptr<Source> sources_[2];
  TimeOrder order_{2, options};
  TimeOrder::Clock::time_point now_{};
};

TEST_F(TimeOrderTest, GoesAsFarAsAllHaveBeenHeardOf) {
  add(0, {1000, 1020, 1050});
  EXPECT_THAT(emit(), IsEmpty());
  add(1, {1010, 1040});
  EXPECT_THAT(emit(), ElementsAre(1000, 1010, 1020)) << "up to 1040, less the disorder there may be";
  add(1, {1100});
  EXPECT_THAT(emit(), ElementsAre(1040)) << "up to 1050, less the disorder";
  EXPECT_THAT(emit_all(), ElementsAre(1050, 1100));
  EXPECT_EQ(order_.late_packets(), 0U);
  EXPECT_EQ(lent(), 0U);
}

TEST_F(TimeOrderTest, ASilentSourceHoldsTheOthersForAWhileOnly) {
  add(0, {1000, 1001});
  now_ += 99ns;
  EXPECT_THAT(emit(), IsEmpty());
  now_ += 1ns;
  EXPECT_THAT(emit(), ElementsAre(1000, 1001));
  EXPECT_EQ(lent(), 0U);
  add(1, {900, 1002});
  now_ += 100ns;
  EXPECT_THAT(emit(), ElementsAre(900, 1002)) << "late, but not lost";
  EXPECT_EQ(order_.late_packets(), 1U);
}

TEST_F(TimeOrderTest, NobodyWaitsForASourceThatHasEnded) {
  add(0, {1000, 1500});
  order_.end(1);
  EXPECT_THAT(emit(), ElementsAre(1000)) << "its own packets may still come out of order";
  order_.end(0);
  EXPECT_THAT(emit(), ElementsAre(1500));
  add(1, {2000});  // it is back
  add(0, {2000, 2500});
  EXPECT_THAT(emit(), IsEmpty());
}

TEST_F(TimeOrderTest, SortsInsideABatch) {
  order_.end(1);
  add(0, {1005, 1000, 1003, 1003, 1100});
  EXPECT_THAT(emit(), ElementsAre(1000, 1003, 1003, 1005));
  EXPECT_EQ(order_.late_packets(), 0U);
}

TEST_F(TimeOrderTest, WhenThereIsNoRoomTheEarliestGo) {
  for (std::uint64_t batch = 0; batch < options.most_batches; ++batch) add(0, {1000 + batch, 2000 + batch});
  const auto gone = emit();
  EXPECT_THAT(gone, testing::SizeIs(testing::Lt(2 * options.most_batches)));
  EXPECT_TRUE(std::ranges::is_sorted(gone));
  EXPECT_LT(order_.held_batches(), options.most_batches);
}

TEST_F(TimeOrderTest, KeepsEveryPacketOfManyBatches) {
  std::mt19937 random(5);
  std::uint64_t times[2] = {1000, 1000};
  std::vector<std::uint64_t> gone;
  std::size_t added = 0;
  for (int round = 0; round < 2000; ++round) {
    const std::size_t source = random() % 2;
    std::vector<std::uint64_t> batch(1 + random() % 20);
    for (std::uint64_t& time : batch) time = (times[source] += random() % 30) - random() % 5;
    added += batch.size();
    add(source, batch);
    now_ += std::chrono::nanoseconds(random() % 30);
    for (const std::uint64_t time : emit()) gone.push_back(time);
  }
  for (const std::uint64_t time : emit_all()) gone.push_back(time);
  EXPECT_EQ(gone.size(), added);
  EXPECT_EQ(lent(), 0U);
  std::uint64_t late = 0;
  std::uint64_t latest = 0;
  for (const std::uint64_t time : gone) {
    if (time < latest) ++late;
    latest = std::max(latest, time);
  }
  EXPECT_EQ(order_.late_packets(), late);
}

}  // namespace
}  // namespace ringtail::ring
