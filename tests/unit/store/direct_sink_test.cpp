#include <fstream>
#include <gmock/gmock.h>
#include <random>
#include <thread>

#include <ringtail/recorder.hpp>

#include "unit/store/recording_fixture.hpp"

namespace ringtail {
namespace {

using namespace std::chrono_literals;
using test::PacketFeed;
using test::RecorderTest;

/// Direct I/O, by io_uring and by splice.
class DirectSinkTest : public RecorderTest, public testing::WithParamInterface<Writer> {
 protected:
  /// A recorder with this writer, flushing at every tick.
  [[nodiscard]] Result<Recorder> record(const std::string& name, FileFormat format, PacketFeed& feed) const {
    return Recorder::create({.path = path(name), .format = format, .writer = GetParam(), .flush_interval = 0ms},
                            {&feed.source});
  }
  /// Asks for it as "direct" would: what `splice` does without it is another test's affair.
  [[nodiscard]] bool has_direct_io() const {
    const auto probe = Recorder::create({.path = path("probe"), .writer = Writer::direct});
    return probe && probe->stats().writer == "direct";
  }
};

INSTANTIATE_TEST_SUITE_P(, DirectSinkTest, testing::Values(Writer::direct, Writer::splice),
                         [](const auto& way) { return way.param == Writer::direct ? "IoUring" : "Splice"; });

#define RINGTAIL_NEEDS_DIRECT_IO() \
  if (!has_direct_io()) GTEST_SKIP() << "no direct I/O in " << directory_

TEST_P(DirectSinkTest, OnASlowLinkTheFileIsExactAfterEveryFlush) {
  RINGTAIL_NEEDS_PROGRAM("capinfos");
  RINGTAIL_NEEDS_DIRECT_IO();
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::pcap}) {
    PacketFeed feed;
    auto recorder = record("out", format, feed);
    ASSERT_TRUE(recorder) << recorder.error().message();
    std::mt19937 random(1);
    for (int round = 0; round < 25; ++round) {
      feed.write(*recorder, 0, 1 + random() % 40, 100 + random() % 300);
      const RecorderStats stats = recorder->stats();
      for (int wait = 0; wait < 10'000 && std::filesystem::file_size(path("out")) != stats.written_bytes; ++wait) {
        recorder->tick();
        std::this_thread::sleep_for(1ms);  // what is on its way arrives a moment later
      }
      ASSERT_EQ(std::filesystem::file_size(path("out")), stats.written_bytes);
      ASSERT_EQ(test::count_packets({path("out")}), static_cast<std::int64_t>(stats.written_packets));
    }
    ASSERT_TRUE(recorder->finish());
  }
}

TEST_P(DirectSinkTest, WritesByteForByteWhatThePlainWriterWrites) {
  RINGTAIL_NEEDS_DIRECT_IO();
  std::mt19937 random(2);
  for (int round = 0; round < 5; ++round) {
    PacketFeed feed;
    PacketFeed plain_feed;
    auto direct = record("direct", FileFormat::pcap, feed);
    auto plain = Recorder::create({.path = path("plain"), .format = FileFormat::pcap, .writer = Writer::write},
                                  {&plain_feed.source});
    ASSERT_TRUE(direct);
    ASSERT_TRUE(plain);
    for (int part = 0; part < 60; ++part) {
      const std::uint64_t packets = random() % 400;
      const std::size_t length = 60 + random() % 2000;
      feed.write(*direct, 0, packets, length);
      plain_feed.write(*plain, 0, packets, length);
      if (random() % 4 == 0) direct->tick();
    }
    ASSERT_TRUE(direct->finish());
    ASSERT_TRUE(plain->finish());
    EXPECT_EQ(test::run("cmp '" + path("direct") + "' '" + path("plain") + "' 2>&1").output, "");
  }
}

TEST_P(DirectSinkTest, ThePageCacheDoesNotGrow) {
  RINGTAIL_NEEDS_DIRECT_IO();
  RINGTAIL_NEEDS_PROGRAM("fincore");
  PacketFeed feed;
  auto recorder = record("out", FileFormat::pcapng, feed);
  ASSERT_TRUE(recorder);
  feed.write(*recorder, 0, 20'000, 1000);
  ASSERT_TRUE(recorder->finish());
  const std::string pages = test::run("fincore -nbo PAGES '" + path("out") + "'").output;
  EXPECT_LE(std::stoi(pages), 2) << "the last, unaligned sector and what readahead took with it";
}

TEST_F(RecorderTest, WhereThereIsNoDirectIoThePlainWriterSteps) {
  PacketFeed feed;
  auto recorder = Recorder::create({.path = "/dev/null", .writer = Writer::direct}, {&feed.source});
  ASSERT_TRUE(recorder);
  EXPECT_EQ(recorder->stats().writer, "write");
}

}  // namespace
}  // namespace ringtail
