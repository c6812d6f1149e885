// The file as memory: what readers find in it at every moment, and what happens when it is taken away.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <ringtail/recorder.hpp>

#include "base/file_descriptor.hpp"
#include "base/mapping.hpp"
#include "store/recover.hpp"
#include "unit/store/recording_fixture.hpp"
#include "unit/store/ring_feed.hpp"

namespace ringtail {
namespace {

using namespace std::chrono_literals;
using test::FrameCheck;
using test::PacketFeed;
using test::RecorderTest;
using test::RingFeed;
using testing::HasSubstr;

class MmapTest : public RecorderTest, public testing::WithParamInterface<FileFormat> {
 protected:
  [[nodiscard]] RecorderOptions options(std::chrono::milliseconds flush_interval = 1h) const {
    return {.path = path("out"),
            .format = GetParam(),
            .writer = Writer::mmap,
            .flush_interval = flush_interval,
            .statistics_interval = std::chrono::hours(1)};
  }
};

INSTANTIATE_TEST_SUITE_P(, MmapTest, testing::Values(FileFormat::pcapng, FileFormat::nsecpcap),
                         [](const auto& way) { return way.param == FileFormat::pcapng ? "Pcapng" : "Nsecpcap"; });

TEST_P(MmapTest, EveryFrameIsThereThroughManyWindows) {
  RingFeed feed;
  auto recorder = Recorder::create(options(), {&feed.source});
  ASSERT_TRUE(recorder) << recorder.error().message();
  EXPECT_EQ(recorder->stats().writer, "mmap");
  std::mt19937 random(3);
  feed.record(*recorder, 0, 10'000, 30, 1514, random);
  feed.record(*recorder, 0, 300, 30, 40'000, random);
  ASSERT_TRUE(recorder->finish());
  FrameCheck check;
  EXPECT_EQ(test::walk_file(path("out"), GetParam(), check).torn_bytes, 0U);
  EXPECT_EQ(check.frames(), 10'300U);
  EXPECT_EQ(check.faults(), 0U);
  EXPECT_EQ(recorder->stats().written_bytes, std::filesystem::file_size(path("out")));
}

TEST_P(MmapTest, AReaderNeverSeesWhatIsNoPacket) {
  RINGTAIL_NEEDS_PROGRAM("capinfos");
  PacketFeed feed;
  auto recorder = Recorder::create(options(), {&feed.source});
  ASSERT_TRUE(recorder);
  for (int round = 0; round < 5; ++round) {
    feed.write(*recorder, 0, 1700, 1000);  // nearly a window full
    std::filesystem::copy_file(path("out"), path("copy"), std::filesystem::copy_options::overwrite_existing);
    std::uint64_t numbers = 0;
    const auto walk = test::walk_file(path("copy"), GetParam(), [&](auto, auto) { ++numbers; });
    EXPECT_LE(walk.packets, feed.next_number);
    if (GetParam() == FileFormat::pcapng) {
      EXPECT_EQ(walk.torn_bytes, 0U) << "a filler covers the tail";
      EXPECT_EQ(test::count_packets({path("copy")}), static_cast<std::int64_t>(walk.packets));
    } else {
      EXPECT_EQ(walk.packets, feed.next_number) << "a record is in the file at once";
      const auto verdict = test::run("capinfos -rTMc '" + path("copy") + "' 2>&1");
      EXPECT_THAT(verdict.output, HasSubstr("4294967295-byte packet")) << "a reader stops there, and says so";
      const auto recovery = store::recover_file(path("copy"), {});
      ASSERT_TRUE(recovery) << recovery.error().message();
      EXPECT_EQ(test::count_packets({path("copy")}), static_cast<std::int64_t>(walk.packets));
    }
  }
  ASSERT_TRUE(recorder->finish());
  EXPECT_EQ(test::count_packets({path("out")}), 8500);
}

TEST_P(MmapTest, OnASlowLinkTheFileIsExactAfterEveryFlush) {
  RINGTAIL_NEEDS_PROGRAM("capinfos");
  PacketFeed feed;
  auto recorder = Recorder::create(options(0ms), {&feed.source});
  ASSERT_TRUE(recorder);
  std::mt19937 random(1);
  for (int round = 0; round < 25; ++round) {
    feed.write(*recorder, 0, 1 + random() % 40, 100 + random() % 300);
    recorder->tick();
    ASSERT_EQ(std::filesystem::file_size(path("out")), recorder->stats().written_bytes);
    ASSERT_EQ(test::count_packets({path("out")}), static_cast<std::int64_t>(feed.next_number));
  }
  ASSERT_TRUE(recorder->finish());
}

TEST_P(MmapTest, WhoShortensTheFileMakesItAnError) {
  for (const off_t left : {0, 100'000, 2'000'000}) {
    PacketFeed feed;
    auto recorder = Recorder::create(options(), {&feed.source});
    ASSERT_TRUE(recorder);
    feed.write(*recorder, 0, 3000, 1000);
    ASSERT_EQ(::truncate(path("out").c_str(), left), 0);
    feed.write(*recorder, 0, 10'000, 1000);
    ASSERT_NE(recorder->failure(), nullptr);
    EXPECT_THAT(recorder->failure()->message(), HasSubstr("somebody has shortened the file"));
    EXPECT_FALSE(recorder->finish());
    const RecorderStats stats = recorder->stats();
    EXPECT_EQ(stats.written_packets + stats.dropped_writer, 13'000U);
    EXPECT_EQ(feed.backend->lent(), 0U);
    const auto walk = test::walk_file(path("out"), GetParam(), [](auto, auto) {});
    EXPECT_EQ(walk.torn_bytes, 0U);
    EXPECT_EQ(walk.packets, stats.written_packets);
  }
}

// What a shell's `>` has opened can be written only, and so not be mapped.
TEST_P(MmapTest, WhatCannotBeMappedIsWritten) {
  const base::FileDescriptor file(::open(path("redirected").c_str(), O_WRONLY | O_CREAT, 0600));
  const auto recorder = Recorder::create({.path = "/dev/fd/" + std::to_string(file.get()), .writer = Writer::mmap});
  ASSERT_TRUE(recorder);
  EXPECT_EQ(recorder->stats().writer, "write");
}

TEST_F(RecorderTest, ABusErrorElsewhereStillEndsTheProgram) {
  const auto recorder = Recorder::create({.path = path("out"), .writer = Writer::mmap});
  ASSERT_TRUE(recorder);
  const base::FileDescriptor empty(::open(path("empty").c_str(), O_RDWR | O_CREAT, 0600));
  const auto mapping = base::Mapping::shared(empty.get(), 4096);
  ASSERT_TRUE(mapping);
  EXPECT_DEATH({ *mapping->data() = std::byte{1}; }, "");  // by the signal, or by a sanitizer's handler for it
}

}  // namespace
}  // namespace ringtail
