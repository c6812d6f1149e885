#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <ringtail/latency_histogram.hpp>
#include <ringtail/recorder.hpp>

#include "unit/store/recording_fixture.hpp"

namespace ringtail {
namespace {

using namespace std::chrono_literals;
using test::PacketFeed;
using test::RecorderTest;

TEST(LatencyHistogram, ATimeIsInTheFirstBucketThatReachesIt) {
  LatencyHistogram times;
  times.add(0ns);
  times.add(100us);
  times.add(100'001ns);
  times.add(10s);
  times.add(10'000'001us);
  EXPECT_EQ(times.counts[0], 2U);
  EXPECT_EQ(times.counts[1], 1U);
  EXPECT_EQ(times.counts[times.bounds_us.size() - 1], 1U);
  EXPECT_EQ(times.counts.back(), 1U);
  EXPECT_EQ(times.count(), 5U);
  EXPECT_EQ(times.total_ns, 20'000'201'001U);
}

TEST(LatencyHistogram, QuantilesLieInTheirBuckets) {
  LatencyHistogram times;
  EXPECT_EQ(times.quantile_seconds(0.5), 0);
  for (int count = 0; count < 98; ++count) times.add(2ms);
  times.add(200ms);
  times.add(1min);
  EXPECT_GT(times.quantile_seconds(0.5), 0.001);
  EXPECT_LE(times.quantile_seconds(0.5), 0.0025);
  EXPECT_GT(times.quantile_seconds(0.99), 0.1);
  EXPECT_LE(times.quantile_seconds(0.99), 0.25);
  EXPECT_EQ(times.quantile_seconds(1), 10) << "nobody knows how much more";
}

TEST(LatencyHistogram, WhatWasAddedCanBeTakenAwayAgain) {
  LatencyHistogram sum;
  LatencyHistogram part;
  sum.add(3ms);
  part.add(1s);
  sum += part;
  EXPECT_EQ(sum.count(), 2U);
  sum -= part;
  EXPECT_EQ(sum.count(), 1U);
  EXPECT_EQ(sum.total_ns, 3'000'000U);
}

class WriteLatencyTest : public RecorderTest, public testing::WithParamInterface<Writer> {};

INSTANTIATE_TEST_SUITE_P(, WriteLatencyTest,
                         testing::Values(Writer::direct, Writer::splice, Writer::write, Writer::mmap),
                         [](const auto& way) { return "Writer" + std::to_string(static_cast<int>(way.param)); });

TEST_P(WriteLatencyTest, EveryChunkIsCountedOnceItIsInAFile) {
  constexpr std::uint64_t packets = 6000;
  constexpr std::uint64_t length = 1000;
  PacketFeed feed;
  RecorderOptions options{.path = path("out.pcapng"), .writer = GetParam()};
  options.rotation.file_packets = packets / 3;
  auto recorder = Recorder::create(options, {&feed.source});
  ASSERT_TRUE(recorder) << recorder.error().message();
  std::uint64_t before = 0;
  for (int part = 0; part < 12; ++part) {
    feed.write(*recorder, 0, packets / 12, length);
    recorder->tick();
    const std::uint64_t now = recorder->stats().write_latency.count();
    EXPECT_GE(now, before) << "none is forgotten when a file is handed on";
    before = now;
  }
  ASSERT_TRUE(recorder->finish());
  const RecorderStats stats = recorder->stats();
  constexpr std::uint64_t largest_chunk = 2U << 20;
  EXPECT_GE(stats.write_latency.count(), packets * length / largest_chunk);
  EXPECT_GE(stats.write_latency.count(), stats.files_total);
  EXPECT_GT(stats.write_latency.total_ns, 0U);
}

TEST_F(RecorderTest, AWriteThatHasToWaitIsALongOne) {
  const std::string fifo = path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  constexpr auto pause = 60ms;
  std::thread reader([&] {
    const int descriptor = ::open(fifo.c_str(), O_RDONLY);
    const int capacity = ::fcntl(descriptor, F_GETPIPE_SZ);
    for (int waiting = 0; waiting < capacity / 2; ::ioctl(descriptor, FIONREAD, &waiting))
      std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(pause);  // a whole chunk does not fit in: who writes it waits as long at least
    std::vector<char> memory(1 << 20);
    while (::read(descriptor, memory.data(), memory.size()) > 0) continue;
    ::close(descriptor);
  });
  PacketFeed feed;
  auto recorder = Recorder::create({.path = fifo}, {&feed.source});
  ASSERT_TRUE(recorder);
  feed.write(*recorder, 0, 2000, 1000);
  EXPECT_TRUE(recorder->finish());
  reader.join();
  EXPECT_GE(recorder->stats().write_latency.quantile_seconds(1), 0.05);
}

}  // namespace
}  // namespace ringtail
