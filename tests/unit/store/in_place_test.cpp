// Ring blocks that become file bytes where they stand: the same files, to the packet, as copying makes.
#include <gmock/gmock.h>

#include <ringtail/recorder.hpp>

#include "unit/store/recording_fixture.hpp"
#include "unit/store/ring_feed.hpp"

namespace ringtail {
namespace {

using namespace std::chrono_literals;
using test::FrameCheck;
using test::RingFeed;

struct Way {
  Writer writer;
  FileFormat format;
  Layout layout;
};

std::string name_of(const testing::TestParamInfo<Way>& info) {
  constexpr const char* writers[] = {"automatic", "direct", "splice", "write", "mmap"};
  constexpr const char* formats[] = {"Pcapng", "Pcap", "Nsecpcap"};
  constexpr const char* layouts[] = {"Automatic", "Dilate", "Compact"};
  return std::string(writers[static_cast<std::size_t>(info.param.writer)]) +
         formats[static_cast<std::size_t>(info.param.format)] + layouts[static_cast<std::size_t>(info.param.layout)];
}

class InPlaceTest : public test::RecorderTest, public testing::WithParamInterface<Way> {
 protected:
  [[nodiscard]] RecorderOptions options() const {
    const auto [writer, format, layout] = GetParam();
    return {.path = path("out.cap"), .format = format, .writer = writer, .layout = layout};
  }
  /// For rings of files: those that are still being finished keep some of its blocks.
  [[nodiscard]] static RingFeed make_large_ring() { return RingFeed(std::size_t{256} << 10, 32); }
  /// Looks at every byte of every packet in the files, and lets capinfos count them.
  void expect_frames(std::uint64_t count) const {
    FrameCheck check;
    for (const std::string& file : files()) {
      EXPECT_EQ(test::walk_file(file, GetParam().format, check).torn_bytes, 0U);
    }
    EXPECT_EQ(check.frames(), count);
    EXPECT_EQ(check.faults(), 0U);
    if (test::has_program("capinfos")) {
      EXPECT_EQ(test::count_packets(files()), static_cast<std::int64_t>(count));
    }
  }
  std::mt19937 random_{3};
};

INSTANTIATE_TEST_SUITE_P(, InPlaceTest,
                         testing::Values(Way{Writer::direct, FileFormat::pcapng, Layout::automatic},
                                         Way{Writer::direct, FileFormat::pcapng, Layout::dilate},
                                         Way{Writer::direct, FileFormat::pcapng, Layout::compact},
                                         Way{Writer::direct, FileFormat::pcap, Layout::automatic},
                                         Way{Writer::splice, FileFormat::pcapng, Layout::automatic},
                                         Way{Writer::splice, FileFormat::pcap, Layout::automatic},
                                         Way{Writer::write, FileFormat::pcapng, Layout::automatic},
                                         Way{Writer::write, FileFormat::nsecpcap, Layout::compact}),
                         name_of);

TEST_P(InPlaceTest, EveryFrameIsThereWholeAndInOrder) {
  RingFeed feed;
  auto recorder = Recorder::create(options(), {&feed.source});
  ASSERT_TRUE(recorder) << recorder.error().message();
  feed.record(*recorder, 0, 2000, 30, 200, random_);
  feed.record(*recorder, 0, 1000, 30, 1514, random_);
  feed.record(*recorder, 0, 100, 30, 20'000, random_);
  ASSERT_TRUE(recorder->finish());
  expect_frames(feed.next_number);
  const RecorderStats stats = recorder->stats();
  EXPECT_GT(stats.dilated_chunks + stats.compacted_chunks, 3U);
  EXPECT_TRUE(GetParam().layout != Layout::dilate || stats.compacted_chunks == 0);
  EXPECT_TRUE(GetParam().layout != Layout::compact || stats.dilated_chunks == 0);
  EXPECT_EQ(stats.written_packets, feed.next_number);
  EXPECT_EQ(stats.dropped_writer, 0U);
  EXPECT_EQ(stats.written_bytes, std::filesystem::file_size(path("out.cap")));
}

TEST_P(InPlaceTest, AnIdleLinkIsCopiedAndTheFileExactAtEveryFlush) {
  RingFeed feed;
  RecorderOptions slow = options();
  slow.flush_interval = 0ms;
  auto recorder = Recorder::create(slow, {&feed.source});
  ASSERT_TRUE(recorder);
  for (int round = 0; round < 12; ++round) {
    feed.record(*recorder, 0, 1 + random_() % 20, 30, 1514, random_);
    if (round % 4 == 3) feed.record(*recorder, 0, 500, 30, 1514, random_);  // a burst now and then
    const std::uint64_t length = recorder->stats().written_bytes;
    for (int wait = 0; wait < 10'000 && std::filesystem::file_size(path("out.cap")) != length; ++wait) {
      recorder->tick();
      std::this_thread::sleep_for(1ms);
    }
    ASSERT_EQ(std::filesystem::file_size(path("out.cap")), length);
    FrameCheck check;
    ASSERT_EQ(test::walk_file(path("out.cap"), GetParam().format, check).torn_bytes, 0U);
    ASSERT_EQ(check.frames(), feed.next_number);
    ASSERT_EQ(check.faults(), 0U);
  }
  ASSERT_TRUE(recorder->finish());
  expect_frames(feed.next_number);
}

TEST_P(InPlaceTest, PacketLimitsCutBlocksExactly) {
  RingFeed feed = make_large_ring();
  RecorderOptions ring = options();
  ring.rotation.file_packets = 455;
  auto recorder = Recorder::create(ring, {&feed.source});
  ASSERT_TRUE(recorder);
  feed.record(*recorder, 0, 3000, 30, 1514, random_);
  ASSERT_TRUE(recorder->finish());
  const auto names = files();
  ASSERT_EQ(names.size(), 7U);
  for (std::size_t file = 0; file + 1 < names.size(); ++file) {
    EXPECT_EQ(test::walk_file(names[file], GetParam().format, [](auto, auto) {}).packets, 455U);
  }
  expect_frames(3000);
  EXPECT_GT(recorder->stats().dilated_chunks + recorder->stats().compacted_chunks, 3U);
}

TEST_P(InPlaceTest, SizesArePassedByOneRecordAtMost) {
  RingFeed feed = make_large_ring();
  RecorderOptions ring = options();
  ring.rotation.file_bytes = 600'000;
  auto recorder = Recorder::create(ring, {&feed.source});
  ASSERT_TRUE(recorder);
  feed.record(*recorder, 0, 3000, 30, 1514, random_);
  ASSERT_TRUE(recorder->finish());
  const auto names = files();
  EXPECT_GT(names.size(), 2U);
  for (std::size_t file = 0; file + 1 < names.size(); ++file) {
    EXPECT_GE(std::filesystem::file_size(names[file]), 600'000U);
    EXPECT_LT(std::filesystem::file_size(names[file]), 600'000U + 1600);
  }
  expect_frames(3000);
  EXPECT_GT(recorder->stats().dilated_chunks + recorder->stats().compacted_chunks, 3U);
}

TEST_P(InPlaceTest, ARotationInTheMiddleOfABlockLosesNothing) {
  RingFeed feed = make_large_ring();
  RecorderOptions ring = options();
  ring.rotation.duration = 1h;
  auto recorder = Recorder::create(ring, {&feed.source});
  ASSERT_TRUE(recorder);
  for (int file = 0; file < 4; ++file) {
    for (int frame = 0; frame < 1000; ++frame) feed.deliver(1000);
    for (int batch = 0; batch < 6; ++batch) ASSERT_TRUE(feed.write_some(*recorder, 0));
    recorder->rotate();
    feed.write_all(*recorder, 0);
  }
  ASSERT_TRUE(recorder->finish());
  EXPECT_EQ(files().size(), 5U);
  expect_frames(4000);
}

TEST_P(InPlaceTest, WhatIsNotReadBeforeTheEndIsNotInTheFile) {
  RingFeed feed;
  auto recorder = Recorder::create(options(), {&feed.source});
  ASSERT_TRUE(recorder);
  for (int frame = 0; frame < 600; ++frame) feed.deliver(1000);
  for (int batch = 0; batch < 2; ++batch) ASSERT_TRUE(feed.write_some(*recorder, 0));
  ASSERT_TRUE(recorder->finish());
  expect_frames(feed.source.stats().delivered);
  EXPECT_EQ(recorder->stats().written_packets, feed.source.stats().delivered);
}

TEST_P(InPlaceTest, ABatchCutByAPacketCountEndsThere) {
  RingFeed feed;
  auto recorder = Recorder::create(options(), {&feed.source});
  ASSERT_TRUE(recorder);
  for (int frame = 0; frame < 600; ++frame) feed.deliver(1000);
  ASSERT_TRUE(feed.write_some(*recorder, 0));
  Received received = feed.source.receive(0ns);
  ASSERT_EQ(received.status, ReceiveStatus::packets);
  received.batch.keep_first(10);
  recorder->write(0, std::move(received.batch));
  ASSERT_TRUE(recorder->finish());
  expect_frames(74);
}

TEST_P(InPlaceTest, BatchesMayBeLeftOutInTheMiddleOfABlock) {
  RingFeed feed(std::size_t{256} << 10, 8, 128);  // what is left out is longer than an option of pcapng can be
  auto recorder = Recorder::create(options(), {&feed.source});
  ASSERT_TRUE(recorder);
  for (int frame = 0; frame < 1500; ++frame) feed.deliver(300 + random_() % 700);
  feed.backend->kernel().retire_timer();
  std::uint64_t given = 0;
  std::vector<bool> is_written;
  for (int batch = 0; is_written.size() < 1500; ++batch) {
    Received received = feed.source.receive(0ns);
    ASSERT_EQ(received.status, ReceiveStatus::packets);
    const bool is_left_out = batch % 3 == 1;
    is_written.insert(is_written.end(), received.batch.size(), !is_left_out);
    if (is_left_out) continue;
    given += received.batch.size();
    recorder->write(0, std::move(received.batch));
  }
  ASSERT_TRUE(recorder->finish());
  std::vector<bool> found(is_written.size());
  std::uint64_t damaged = 0;
  const auto check = [&](std::span<const std::byte> bytes, std::uint32_t /*interface_id*/) {
    std::vector<std::byte> frame(bytes.begin(), bytes.end());
    if (frame[12] == std::byte{0x81}) frame.erase(frame.begin() + 12, frame.begin() + 16);
    const fixture::NumberedFrame read = fixture::read_numbered_frame(frame);
    damaged += read.intact ? 0 : 1;
    if (read.number < found.size()) found[read.number] = true;
  };
  EXPECT_EQ(test::walk_file(path("out.cap"), GetParam().format, check).packets, given);
  EXPECT_EQ(damaged, 0U);
  EXPECT_TRUE(found == is_written);
}

TEST_P(InPlaceTest, AnOpenBlockIsInTheFileAfterTheFlushInterval) {
  RingFeed feed;
  RecorderOptions quick = options();
  quick.flush_interval = 20ms;
  auto recorder = Recorder::create(quick, {&feed.source});
  ASSERT_TRUE(recorder);
  for (int frame = 0; frame < 600; ++frame) feed.deliver(1000);
  ASSERT_TRUE(feed.write_some(*recorder, 0));
  for (int wait = 0; wait < 10'000; ++wait) {
    std::this_thread::sleep_for(1ms);
    recorder->tick();
    if (test::walk_file(path("out.cap"), GetParam().format, [](auto, auto) {}).packets == 64) break;
  }
  feed.write_all(*recorder, 0);
  ASSERT_TRUE(recorder->finish());
  expect_frames(600);
}

TEST_P(InPlaceTest, SeveralSourcesShareAFile) {
  RingFeed first;
  RingFeed second;
  auto recorder = Recorder::create(options(), {&first.source, &second.source});
  ASSERT_TRUE(recorder);
  for (int round = 0; round < 40; ++round) {
    for (int frame = 0; frame < 100; ++frame) {
      first.deliver(1000);
      if (frame % 3 == 0) second.deliver(500, 2);
    }
    for (int batch = 0; batch < 3; ++batch) {
      first.write_some(*recorder, 0);
      second.write_some(*recorder, 1);
    }
  }
  first.write_all(*recorder, 0);
  second.write_all(*recorder, 1);
  ASSERT_TRUE(recorder->finish());

  FrameCheck checks[2];
  std::uint64_t packets = 0;
  const auto walk = test::walk_file(path("out.cap"), GetParam().format, [&](auto bytes, std::uint32_t interface_id) {
    // Classic pcap does not say where a packet comes from, but lengths do.
    const bool is_second = GetParam().format == FileFormat::pcapng ? interface_id == 1 : bytes.size() < 600;
    checks[is_second](bytes, interface_id);
    ++packets;
  });
  EXPECT_EQ(walk.torn_bytes, 0U);
  EXPECT_EQ(checks[0].frames(), first.next_number);
  EXPECT_EQ(checks[1].frames(), second.next_number);
  EXPECT_EQ(checks[0].faults() + checks[1].faults(), 0U);
  EXPECT_EQ(recorder->stats().written_packets, packets);
}

TEST_P(InPlaceTest, AnInterfaceThatTurnsUpInsideABlockIsDescribedFirst) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  RingFeed feed;
  auto recorder = Recorder::create(options(), {&feed.source});
  ASSERT_TRUE(recorder);
  for (std::uint32_t frame = 0; frame < 600; ++frame) feed.deliver(1000, frame < 300 ? 1 : 2);
  feed.write_all(*recorder, 0);
  ASSERT_TRUE(recorder->finish());
  expect_frames(600);
  if (GetParam().format != FileFormat::pcapng) return;
  const auto names =
      test::run("tshark -r '" + path("out.cap") + "' -T fields -e frame.interface_name 2>/dev/null | uniq -c");
  EXPECT_EQ(names.output, "    300 fake1\n    300 fake2\n");
}

}  // namespace
}  // namespace ringtail
