// Batches that others read while the recorder writes them: not a byte of a packet changes under them.
#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <thread>

#include <ringtail/recorder.hpp>

#include "ring/backend.hpp"
#include "unit/store/recording_fixture.hpp"
#include "unit/store/ring_feed.hpp"

namespace ringtail {
namespace {

using test::FrameCheck;
using test::RingFeed;

struct Way {
  const char* name;
  Writer writer;
  FileFormat format;
  Layout layout;
  bool dilates;  ///< what is long enough, while others read it
};

/// Another reader of a batch, and what its packets were when it came.
class Reader {
 public:
  explicit Reader(const Batch& batch) : batch_(detail::share(batch)) {
    for (const PacketView packet : batch_) {
      before_.insert(before_.end(), packet.bytes().begin(), packet.bytes().end());
    }
  }
  [[nodiscard]] bool sees_the_same() const {
    auto expected = before_.begin();
    return std::all_of(batch_.begin(), batch_.end(), [&expected](const PacketView& packet) {
      const auto begin = std::exchange(expected, expected + packet.captured_length());
      return std::equal(begin, expected, packet.bytes().begin(), packet.bytes().end());
    });
  }

 private:
  Batch batch_;
  std::vector<std::byte> before_;
};

std::string name_of(const testing::TestParamInfo<Way>& way) {
  return way.param.name;
}

class SharedBlockTest : public test::RecorderTest, public testing::WithParamInterface<Way> {
 protected:
  [[nodiscard]] RecorderOptions options() const {
    return {
        .path = path("out.cap"), .format = GetParam().format, .writer = GetParam().writer, .layout = GetParam().layout};
  }
  void expect_frames(std::uint64_t count) const {
    FrameCheck check;
    EXPECT_EQ(test::walk_file(path("out.cap"), GetParam().format, check).torn_bytes, 0U);
    EXPECT_EQ(check.frames(), count);
    EXPECT_EQ(check.faults(), 0U);
  }
  /// A ring's worth of frames of these lengths, in blocks that the kernel has handed over.
  void fill(RingFeed& feed, std::size_t shortest, std::size_t longest) {
    for (int block = 0; block < 6; ++block) {
      for (std::size_t bytes = 0; bytes < std::size_t{180} << 10; bytes += longest + 128) {
        feed.deliver(shortest + random_() % (longest - shortest + 1));
      }
      feed.backend->kernel().retire_timer();
    }
  }
  std::mt19937 random_{5};
};

INSTANTIATE_TEST_SUITE_P(, SharedBlockTest,
                         testing::Values(Way{"automatic", Writer::direct, FileFormat::pcapng, Layout::automatic, true},
                                         Way{"dilate", Writer::direct, FileFormat::pcapng, Layout::dilate, true},
                                         Way{"dilateSplice", Writer::splice, FileFormat::pcapng, Layout::dilate, true},
                                         Way{"compact", Writer::direct, FileFormat::pcapng, Layout::compact, false},
                                         Way{"pcap", Writer::write, FileFormat::pcap, Layout::automatic, false}),
                         name_of);

TEST_P(SharedBlockTest, NothingThatOthersReadIsMoved) {
  RingFeed feed;
  auto recorder = Recorder::create(options(), {&feed.source});
  ASSERT_TRUE(recorder) << recorder.error().message();
  fill(feed, 600, 1514);
  std::deque<Reader> readers;
  for (;;) {
    Received received = feed.source.receive(std::chrono::nanoseconds::zero());
    if (received.status != ReceiveStatus::packets) break;
    readers.emplace_back(received.batch);
    recorder->write(0, std::move(received.batch));
  }
  ASSERT_GE(readers.size(), 12U);
  ASSERT_TRUE(recorder->finish());
  for (const Reader& reader : readers) EXPECT_TRUE(reader.sees_the_same());
  expect_frames(feed.next_number);
  EXPECT_EQ(recorder->stats().compacted_chunks, 0U);
  EXPECT_EQ(recorder->stats().dilated_chunks != 0, GetParam().dilates);
}

/// Some batches are read by others, some not, some come back before they are written, some are not written at all.
TEST_P(SharedBlockTest, WhateverElseHappensToItsBlock) {
  for (const std::size_t longest : {std::size_t{80}, std::size_t{400}, std::size_t{1514}}) {
    RingFeed feed;
    RecorderOptions hasty = options();
    hasty.flush_interval = std::chrono::milliseconds::zero();
    auto recorder = Recorder::create(hasty, {&feed.source});
    ASSERT_TRUE(recorder);
    std::deque<Reader> readers;
    std::uint64_t written = 0;
    for (int round = 0; round < 8; ++round) {
      fill(feed, 60, longest);
      for (;;) {
        Received received = feed.source.receive(std::chrono::nanoseconds::zero());
        if (received.status != ReceiveStatus::packets) break;
        const bool is_read = random_() % 3 != 0;
        if (is_read) readers.emplace_back(received.batch);
        if (is_read && random_() % 4 == 0) readers.pop_back();
        if (random_() % 16 == 0) recorder->tick();  // closes what is open
        if (random_() % 8 == 0) continue;           // paused
        written += received.batch.size();
        recorder->write(0, std::move(received.batch));
      }
      for (const Reader& reader : readers) ASSERT_TRUE(reader.sees_the_same());
      readers.clear();
      recorder->tick();
    }
    ASSERT_TRUE(recorder->finish());
    EXPECT_EQ(recorder->stats().written_packets, written);
    std::filesystem::remove(path("out.cap"));
  }
}

TEST_P(SharedBlockTest, ABatchWithoutItsBeginningIsCopied) {
  RingFeed feed;
  auto recorder = Recorder::create(options(), {&feed.source});
  ASSERT_TRUE(recorder);
  fill(feed, 600, 1514);
  Batch batch = feed.source.receive(std::chrono::nanoseconds::zero()).batch;
  const Reader reader(batch);
  batch.skip_first(10);
  recorder->write(0, std::move(batch));
  ASSERT_TRUE(recorder->finish());
  EXPECT_TRUE(reader.sees_the_same());
  EXPECT_EQ(recorder->stats().dilated_chunks + recorder->stats().compacted_chunks, 0U);
}

/// As in a process that lends on the receiving thread and writes on another; readers give back on a third.
TEST_P(SharedBlockTest, OnThreadsOfTheirOwn) {
  RingFeed feed(std::size_t{256} << 10, 16);
  auto recorder = Recorder::create(options(), {&feed.source});
  ASSERT_TRUE(recorder);
  std::mutex mutex;
  std::deque<Batch> to_write;
  std::deque<Reader> to_read;
  std::atomic<bool> done{false};
  std::atomic<int> changed{0};
  const auto take = [&mutex](auto& queue, auto& into) {
    const std::lock_guard lock(mutex);
    if (queue.empty()) return false;
    into.emplace(std::move(queue.front()));
    queue.pop_front();
    return true;
  };
  std::thread writer([&] {
    for (bool ended = false; !ended;) {
      ended = done.load();
      for (std::optional<Batch> batch; take(to_write, batch);) recorder->write(0, std::move(*batch));
      recorder->tick();
    }
  });
  std::thread reader([&] {
    for (bool ended = false; !ended;) {
      ended = done.load();
      for (std::optional<Reader> each; take(to_read, each);) {
        for (int look = 0; look < 20; ++look) changed += each->sees_the_same() ? 0 : 1;
      }
    }
  });
  const auto is_full = [&] {
    const std::lock_guard lock(mutex);
    return to_read.size() + to_write.size() > 8;
  };
  while (feed.next_number < 3'000 || !feed.all_delivered()) {
    if (is_full()) {
      std::this_thread::yield();
      continue;
    }
    for (int frame = 0; frame < 40 && feed.next_number < 3'000; ++frame) feed.deliver(300 + random_() % 1200);
    if (feed.next_number == 3'000) feed.backend->kernel().retire_timer();
    Received received = feed.source.receive(std::chrono::nanoseconds::zero());
    if (received.status != ReceiveStatus::packets) continue;
    const bool is_read = random_() % 4 != 0;
    const std::lock_guard lock(mutex);
    if (is_read) to_read.emplace_back(received.batch);
    to_write.push_back(std::move(received.batch));
  }
  done = true;
  writer.join();
  reader.join();
  ASSERT_TRUE(recorder->finish());
  EXPECT_EQ(changed, 0);
  expect_frames(3'000);
}

}  // namespace
}  // namespace ringtail
