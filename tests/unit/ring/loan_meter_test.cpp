#include "ring/loan_meter.hpp"

#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "fixture/fake_backend.hpp"
#include "fixture/memory_backend.hpp"
#include "fixture/numbered_frames.hpp"
#include "ring/backend.hpp"

namespace ringtail::ring {
namespace {

using namespace std::chrono_literals;

/// A ring of 8 blocks, and so 32 batches.
class LoanMeterTest : public testing::Test {
 protected:
  void deliver(std::uint64_t frames, std::size_t frame_bytes) {
    for (std::uint64_t frame = 0; frame < frames; ++frame) {
      const auto bytes = fixture::make_numbered_frame(number_++, frame_bytes);
      backend_->kernel().deliver({.bytes = bytes, .timestamp_ns = number_, .interface_index = 1});
    }
    backend_->kernel().retire_timer();
  }
  /// The next block's batches, which are one, if they are small.
  Batch receive() {
    auto [status, batch] = source_.receive(0ns);
    EXPECT_EQ(status, ReceiveStatus::packets);
    return std::move(batch);
  }

  fixture::FakeBackend* backend_ = new fixture::FakeBackend(fixture::small_geometry(8), 16);
  Source source_{detail::BackendPointer(backend_)};
  LoanMeter::Pointer meter_ = LoanMeter::create();
  std::uint64_t number_ = 0;
};

TEST_F(LoanMeterTest, HasRoomForHalfOfTheBlocks) {
  std::vector<Batch> held;
  for (int block = 0; block < 4; ++block) {
    deliver(10, 100);
    Batch batch = receive();
    EXPECT_TRUE(meter_->fits_half(batch));
    held.push_back(meter_->pass(std::move(batch)));
  }
  deliver(10, 100);
  Batch fifth = receive();
  EXPECT_FALSE(meter_->fits_half(fifth));
  held.pop_back();
  EXPECT_TRUE(meter_->fits_half(fifth));
}

TEST_F(LoanMeterTest, ABlockCountsUntilTheLastOfItsBatchesIsBack) {
  std::vector<Batch> held;
  for (int block = 0; block < 4; ++block) {
    deliver(32, 100);
    held.push_back(meter_->pass(receive()));
    held.push_back(meter_->pass(receive()));
  }
  deliver(10, 100);
  Batch next = receive();
  EXPECT_FALSE(meter_->fits_half(next));
  held.front().reset();
  EXPECT_FALSE(meter_->fits_half(next));
  held[1].reset();
  EXPECT_TRUE(meter_->fits_half(next));
}

TEST_F(LoanMeterTest, HasRoomForHalfOfTheBatches) {
  deliver(17 * 16, 60);
  std::vector<Batch> held;
  for (int count = 0; count < 16; ++count) {
    Batch batch = receive();
    EXPECT_TRUE(meter_->fits_half(batch)) << count;
    held.push_back(meter_->pass(std::move(batch)));
  }
  EXPECT_FALSE(meter_->fits_half(receive()));
}

TEST_F(LoanMeterTest, WhatPassesIsTheSameBatch) {
  deliver(10, 100);
  Batch batch = receive();
  const PacketDescriptor* descriptors = batch.descriptors().data();
  const detail::InPlace memory = batch.slot()->in_place;
  Batch passed = meter_->pass(std::move(batch));
  EXPECT_TRUE(batch.empty());
  ASSERT_EQ(passed.size(), 10U);
  EXPECT_EQ(passed.descriptors().data(), descriptors);
  EXPECT_EQ(passed.slot()->in_place.base, memory.base);
  EXPECT_EQ(passed.slot()->in_place.limit_offset, memory.limit_offset);
  EXPECT_EQ(fixture::read_numbered_frame(passed[9].bytes()).number, 9U);
}

TEST_F(LoanMeterTest, WhatIsCutOffIsUnreadInTheSource) {
  deliver(10, 100);
  Batch passed = meter_->pass(receive());
  passed.keep_first(7);
  EXPECT_EQ(passed.size(), 7U);
  EXPECT_EQ(source_.stats().delivered, 7U);
}

TEST_F(LoanMeterTest, BatchesOutliveMeterAndSource) {
  deliver(10, 100);
  Batch passed = meter_->pass(receive());
  meter_.reset();
  { const Source gone = std::move(source_); }
  EXPECT_EQ(fixture::read_numbered_frame(passed[0].bytes()).number, 0U);
}

TEST(LoanMeter, LetsThroughWhatItCannotMeasure) {
  test::MemoryBackend* backend = test::MemoryBackend::create();
  Source source = test::make_source(backend);
  auto meter = LoanMeter::create();
  for (int packet = 0; packet < 3; ++packet) backend->push(test::make_numbered_packet(0, 60));
  Batch batch = source.receive(1s).batch;
  EXPECT_TRUE(meter->fits_half(batch));
  const detail::BatchSlot* slot = batch.slot();
  EXPECT_EQ(meter->pass(std::move(batch)).slot(), slot);
  EXPECT_EQ(backend->lent(), 0U);
}

TEST_F(LoanMeterTest, CountsWhatOtherThreadsGiveBack) {
  std::vector<Batch> held;
  std::thread holder;
  for (int round = 0; round < 1'000; ++round) {
    deliver(4, 100);
    held.push_back(meter_->pass(receive()));
    if (held.size() < 4) continue;
    if (holder.joinable()) holder.join();
    holder = std::thread([mine = std::move(held)]() mutable { mine.clear(); });
    held.clear();
    holder.join();
  }
  held.clear();
  deliver(4, 100);
  std::vector<Batch> all;
  for (int block = 0; block < 4; ++block) {
    Batch batch = receive();
    EXPECT_TRUE(meter_->fits_half(batch));
    all.push_back(meter_->pass(std::move(batch)));
    deliver(4, 100);
  }
  EXPECT_FALSE(meter_->fits_half(receive()));
}

TEST_F(LoanMeterTest, WhoElseReadsABatchIsSeenThroughTheMeter) {
  deliver(10, 100);
  Batch batch = receive();
  Batch other = detail::share(batch);
  Batch metered = meter_->pass(std::move(batch));
  EXPECT_TRUE(metered.slot()->is_shared());
  other.reset();
  EXPECT_FALSE(metered.slot()->is_shared());
  const Batch another = detail::share(metered);
  EXPECT_TRUE(metered.slot()->is_shared());
}

}  // namespace
}  // namespace ringtail::ring
