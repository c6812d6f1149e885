// What every Source does, whatever stands behind it.

#include <atomic>
#include <gtest/gtest.h>
#include <mutex>
#include <poll.h>
#include <thread>
#include <vector>

#include "conformance/source_harness.hpp"
#include "fixture/numbered_frames.hpp"

namespace ringtail::conformance {
namespace {

using namespace std::chrono_literals;
using fixture::read_numbered_frame;

constexpr auto patience = 10s;  // a bound, not an expectation

class SourceConformance : public testing::TestWithParam<HarnessFactory> {
 protected:
  /// Small: 8 blocks of 256 KiB, 32 packets a batch. A slow (sanitized) sender must not fill the ring by time alone.
  static OpenOptions small_options() {
    return {.buffer_bytes = 2 << 20, .block_bytes = 256 << 10, .retire_timeout = 200ms, .batch_packets = 32};
  }
  void open(const OpenOptions& options = small_options()) {
    std::string reason;
    harness_ = GetParam().make(options, reason);
    if (!harness_) GTEST_SKIP() << reason;
  }
  [[nodiscard]] Source& source() { return harness_->source(); }
  void send(std::uint64_t count, std::size_t frame_bytes = 200) {
    harness_->send(count, frame_bytes);
    if (harness_->needs_finish()) harness_->finish_sending();
  }
  /// The next batch, waiting for it.
  [[nodiscard]] Batch next() {
    Received received = source().receive(patience);
    EXPECT_EQ(received.status, ReceiveStatus::packets);
    return std::move(received.batch);
  }
  /// As an event loop does: it looks once whenever it is told to, and never otherwise.
  void receive_when_told(std::uint64_t frames, std::uint64_t& received) {
    const auto start = std::chrono::steady_clock::now();
    while (received < frames) {
      pollfd wait = {.fd = source().pollable_descriptor(), .events = POLLIN, .revents = 0};
      ASSERT_EQ(::poll(&wait, 1, 10'000), 1) << received << " have come";
      received += source().receive(0ns).batch.size();
      ASSERT_LT(std::chrono::steady_clock::now() - start, patience);
    }
  }
  void expect_books_balance() {
    const Stats stats = source().stats();
    EXPECT_EQ(stats.received, stats.delivered + stats.dropped_ring + stats.unread);
  }

  std::unique_ptr<SourceHarness> harness_;
};

#define OPEN_OR_SKIP(...)                     \
  ASSERT_NO_FATAL_FAILURE(open(__VA_ARGS__)); \
  if (IsSkipped()) return

TEST_P(SourceConformance, PacketsComeInOrderWithTheirLengthsAndTimes) {
  OPEN_OR_SKIP();
  send(500, 777);
  std::uint64_t expected = 0;
  while (expected < 500) {
    const Batch batch = next();
    ASSERT_FALSE(batch.empty());
    ASSERT_LE(batch.size(), 32U);
    for (const PacketView packet : batch) {
      const auto frame = read_numbered_frame(packet.bytes());
      ASSERT_TRUE(frame.intact);
      ASSERT_EQ(frame.number, expected++);
      ASSERT_EQ(packet.captured_length(), 777U);
      ASSERT_EQ(packet.wire_length(), 777U);
      ASSERT_NE(packet.timestamp_ns(), 0U);
      ASSERT_LT(packet.interface_id(), source().interface_count());
    }
  }
  EXPECT_EQ(source().stats().delivered, 500U);
}

TEST_P(SourceConformance, SnaplenCutsWhatIsCapturedNotWhatWasThere) {
  OpenOptions options = small_options();
  options.snaplen = 96;
  OPEN_OR_SKIP(options);
  send(10, 777);
  const Batch batch = next();
  for (const PacketView packet : batch) {
    EXPECT_EQ(packet.captured_length(), 96U);
    EXPECT_EQ(packet.wire_length(), 777U);
  }
  EXPECT_EQ(source().stats().truncated, 0U);
}

TEST_P(SourceConformance, NothingToReceiveIsATimeoutOrTheEnd) {
  OPEN_OR_SKIP();
  if (harness_->needs_finish()) harness_->finish_sending();
  const ReceiveStatus status = source().receive(5ms).status;
  EXPECT_EQ(status, harness_->needs_finish() ? ReceiveStatus::end_of_stream : ReceiveStatus::timeout);
}

TEST_P(SourceConformance, BatchesHeldUntilCreditIsOutStayIntactAndThenTheSourceGoesOn) {
  OPEN_OR_SKIP();
  harness_->send(30'000, 200);
  if (harness_->needs_finish()) harness_->finish_sending();
  std::vector<Batch> held;
  Received received;
  while ((received = source().receive(1s)).status == ReceiveStatus::packets) held.push_back(std::move(received.batch));
  ASSERT_EQ(received.status, ReceiveStatus::no_credit);
  std::uint64_t expected = 0;
  for (const Batch& batch : held) {
    for (const PacketView packet : batch) {
      const auto frame = read_numbered_frame(packet.bytes());
      ASSERT_TRUE(frame.intact);
      ASSERT_EQ(frame.number, expected++);
    }
  }
  held.clear();
  if (harness_->skips()) harness_->send(10, 200);
  EXPECT_EQ(source().receive(patience).status, ReceiveStatus::packets);
}

TEST_P(SourceConformance, BatchesMayGoBackOutOfOrderOnOtherThreads) {
  OPEN_OR_SKIP();
  constexpr std::uint64_t frames = 5'000;
  std::thread sender([&] { send(frames); });
  std::mutex mutex;
  std::vector<Batch> lent;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> read_elsewhere{0};
  std::thread holder([&] {
    for (;;) {
      std::vector<Batch> taken;
      const bool last = done.load();
      {
        const std::scoped_lock lock(mutex);
        taken.swap(lent);
      }
      while (!taken.empty()) {  // newest first
        for (const PacketView packet : taken.back()) read_elsewhere += read_numbered_frame(packet.bytes()).intact;
        taken.pop_back();
      }
      if (last) return;
      std::this_thread::sleep_for(1ms);
    }
  });
  std::uint64_t received = 0;
  const auto start = std::chrono::steady_clock::now();
  while (received + source().stats().dropped_ring < frames && std::chrono::steady_clock::now() - start < patience) {
    Received got = source().receive(50ms);
    received += got.batch.size();
    const std::scoped_lock lock(mutex);
    lent.push_back(std::move(got.batch));
  }
  done.store(true);
  holder.join();
  sender.join();
  EXPECT_EQ(read_elsewhere.load(), received);
  expect_books_balance();
}

TEST_P(SourceConformance, InterruptEndsAWait) {
  OPEN_OR_SKIP();
  if (harness_->needs_finish()) GTEST_SKIP() << "a file never waits";
  std::thread other([&] {
    std::this_thread::sleep_for(20ms);
    source().interrupt();
  });
  EXPECT_EQ(source().receive(patience).status, ReceiveStatus::interrupted);
  other.join();
  EXPECT_EQ(source().receive(1ms).status, ReceiveStatus::timeout);
}

TEST_P(SourceConformance, InterruptBeforeReceiveIsNotLost) {
  OPEN_OR_SKIP();
  source().interrupt();
  EXPECT_EQ(source().receive(patience).status, ReceiveStatus::interrupted);
}

TEST_P(SourceConformance, StopDeliversWhatWasAcceptedAndThenEnds) {
  OPEN_OR_SKIP();
  send(1'000);
  std::uint64_t received = 0;
  if (harness_->needs_finish()) received += next().size();
  source().stop();
  Received got;
  const auto start = std::chrono::steady_clock::now();
  while ((got = source().receive(1s)).status != ReceiveStatus::end_of_stream) {
    ASSERT_LT(std::chrono::steady_clock::now() - start, patience);
    received += got.batch.size();
  }
  EXPECT_EQ(source().failure(), nullptr);
  const Stats stats = source().stats();
  EXPECT_EQ(stats.delivered, received);
  if (!harness_->needs_finish()) {
    EXPECT_EQ(received, 1'000U);
    EXPECT_EQ(stats.unread, 0U);
  }
  expect_books_balance();
  EXPECT_EQ(source().receive(1ms).status, ReceiveStatus::end_of_stream) << "and stays ended";
}

TEST_P(SourceConformance, KeepFirstCountsTheRestAsUnread) {
  OPEN_OR_SKIP();
  send(20);
  Batch batch = next();
  const std::uint64_t all = batch.size();
  batch.keep_first(3);
  ASSERT_EQ(batch.size(), 3U);
  batch.reset();
  const Stats stats = source().stats();
  EXPECT_EQ(stats.delivered, 3U);
  EXPECT_GE(stats.unread, all - 3);
  expect_books_balance();
}

TEST_P(SourceConformance, BatchesMayOutliveTheirSource) {
  OPEN_OR_SKIP();
  send(20);
  Batch kept = next();
  harness_.reset();
  for (const PacketView packet : kept) EXPECT_TRUE(read_numbered_frame(packet.bytes()).intact);
}

TEST_P(SourceConformance, ThePollableDescriptorBecomesReadable) {
  OPEN_OR_SKIP();
  const int descriptor = source().pollable_descriptor();
  if (descriptor < 0) GTEST_SKIP() << "this source has none";
  send(5);
  std::uint64_t received = 0;
  receive_when_told(5, received);
  EXPECT_EQ(source().receive(0ns).status, ReceiveStatus::timeout);
  pollfd wait = {.fd = descriptor, .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&wait, 1, 0), 0) << "quiet again once everything is read";
  send(5);
  receive_when_told(10, received);
}

TEST_P(SourceConformance, WhoHasWaitedMayPollForTheRest) {
  OPEN_OR_SKIP();
  if (source().pollable_descriptor() < 0) GTEST_SKIP() << "this source has none";
  std::thread sender([this] { send(500); });
  std::uint64_t received = next().size();
  sender.join();
  receive_when_told(500, received);
}

TEST_P(SourceConformance, WhoPollsHearsOfTheEnd) {
  OPEN_OR_SKIP();
  if (source().pollable_descriptor() < 0) GTEST_SKIP() << "this source has none";
  source().stop();
  const auto start = std::chrono::steady_clock::now();
  Received got;
  while ((got = source().receive(0ns)).status != ReceiveStatus::end_of_stream) {
    ASSERT_LT(std::chrono::steady_clock::now() - start, patience);
    pollfd wait = {.fd = source().pollable_descriptor(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&wait, 1, 10'000), 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Sources, SourceConformance,
                         testing::Values(dpdk_harness(), fake_kernel_harness(), file_harness(), share_harness(),
                                         busy_share_harness(), share_in_place_harness(), share_ring_harness(),
                                         veth_harness(), waiting_veth_harness()),
                         [](const auto& information) { return information.param.name; });

}  // namespace
}  // namespace ringtail::conformance
