#include "store/rotation.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <thread>

#include <ringtail/recorder.hpp>

#include "unit/store/recording_fixture.hpp"

namespace ringtail {
namespace {

using namespace std::chrono_literals;
using test::PacketFeed;
using test::RecorderTest;
using testing::Each;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::SizeIs;

class RotationTest : public RecorderTest {
 protected:
  /// A ring of files called out.pcapng.
  [[nodiscard]] RecorderOptions ring(const Rotation& rotation) const {
    RecorderOptions options{.path = path("out.pcapng")};
    options.rotation = rotation;
    return options;
  }
  /// Writes `packets` and finishes.
  static RecorderStats record(const RecorderOptions& options, std::uint64_t packets, std::size_t length = 100) {
    PacketFeed feed;
    auto recorder = Recorder::create(options, {&feed.source});
    if (!recorder) ADD_FAILURE() << recorder.error().message();
    feed.write(*recorder, 0, packets, length);
    EXPECT_TRUE(recorder->finish());
    return recorder->stats();
  }
};

TEST_F(RotationTest, FilesAreNamedAsDumpcapNamesThem) {
  record(ring({.file_packets = 1}), 2);
  ASSERT_THAT(files(), SizeIs(2));
  EXPECT_THAT(files()[0], MatchesRegex(".*/out_00001_[0-9]{14}\\.pcapng"));
  EXPECT_THAT(files()[1], MatchesRegex(".*/out_00002_[0-9]{14}\\.pcapng"));
}

TEST_F(RotationTest, PacketLimitsAreExactAndNothingIsLostAtTheSeams) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  const RecorderStats stats = record(ring({.file_packets = 1000}), 4500);
  ASSERT_THAT(files(), SizeIs(5));
  for (int file = 0; file < 4; ++file) EXPECT_EQ(test::count_packets({files()[static_cast<std::size_t>(file)]}), 1000);
  EXPECT_TRUE(test::are_consecutive(test::read_numbers(files()), 0, 4500));
  EXPECT_EQ(stats.files_total, 5U);
  EXPECT_EQ(stats.files, files());
  EXPECT_EQ(stats.written_packets, 4500U);
}

TEST_F(RotationTest, AFullLastFileIsNotFollowedByAnEmptyOne) {
  record(ring({.file_packets = 10}), 20);
  EXPECT_THAT(files(), SizeIs(2));
}

TEST_F(RotationTest, ASizeIsReachedAndPassedByOneRecordAtMost) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  constexpr std::uint64_t limit = 100'000;
  constexpr std::uint64_t record_bytes = 28 + 300 + 4;
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::pcap}) {
    RecorderOptions options = ring({.file_bytes = limit});
    options.format = format;
    record(options, 2000, 300);
    const auto names = files();
    for (std::size_t file = 0; file + 1 < names.size(); ++file) {
      EXPECT_GE(std::filesystem::file_size(names[file]), limit);
      EXPECT_LT(std::filesystem::file_size(names[file]), limit + record_bytes);
    }
    EXPECT_TRUE(test::are_consecutive(test::read_numbers(names), 0, 2000));
    for (const std::string& name : names) std::filesystem::remove(name);
  }
}

TEST_F(RotationTest, ALimitBelowTheHeaderGivesOnePacketPerFile) {
  record(ring({.file_bytes = 1}), 3);
  EXPECT_THAT(files(), SizeIs(3));
}

TEST_F(RotationTest, AnIdleLinkRotatesByTheClock) {
  RINGTAIL_NEEDS_PROGRAM("capinfos");
  PacketFeed feed;
  auto recorder = Recorder::create(ring({.duration = 20ms}), {&feed.source});
  ASSERT_TRUE(recorder);
  feed.write(*recorder, 0, 3);
  std::this_thread::sleep_for(25ms);
  recorder->tick();
  EXPECT_EQ(recorder->file_packets(), 0U);
  std::this_thread::sleep_for(25ms);
  recorder->tick();
  feed.write(*recorder, 0, 4);
  ASSERT_TRUE(recorder->finish());
  ASSERT_THAT(files(), SizeIs(3));
  EXPECT_EQ(test::count_packets({files()[0]}), 3);
  EXPECT_EQ(test::count_packets({files()[1]}), 0);
  EXPECT_EQ(test::count_packets({files()[2]}), 4);
}

TEST_F(RotationTest, IntervalsEndAtMultiplesOfThemselves) {
  store::RotationClock clock(std::nullopt, 3600s);
  using Wall = store::RotationClock::Wall;
  const Wall::time_point start(1'700'000'000s);  // 22:13:20 UTC
  clock.file_opened({}, start);
  const Wall::time_point hour(1'700'002'800s);  // 23:00:00
  EXPECT_FALSE(clock.is_due({}, [&] { return hour - 1s; }));
  EXPECT_TRUE(clock.is_due({}, [&] { return hour; }));
  clock.file_opened({}, hour);
  EXPECT_FALSE(clock.is_due({}, [&] { return hour + 3599s; }));
}

TEST_F(RotationTest, AClockThatIsSetBackMakesNoFileLonger) {
  store::RotationClock clock(std::nullopt, 60s);
  using Wall = store::RotationClock::Wall;
  const Wall::time_point minute(60s * 28'000'000);
  clock.file_opened({}, minute);
  EXPECT_FALSE(clock.is_due({}, [&] { return minute - 1s; })) << "by a little";
  EXPECT_TRUE(clock.is_due({}, [&] { return minute - 1h; }));
  clock.file_opened({}, minute - 1h);
  EXPECT_FALSE(clock.is_due({}, [&] { return minute - 1h + 59s; }));
  EXPECT_TRUE(clock.is_due({}, [&] { return minute - 1h + 60s; }));
}

TEST_F(RotationTest, OnlyTheYoungestFilesAreKept) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  const RecorderStats stats = record(ring({.file_packets = 10, .keep_files = 3}), 95);
  ASSERT_THAT(files(), SizeIs(3));
  EXPECT_TRUE(test::are_consecutive(test::read_numbers(files()), 70, 25));
  EXPECT_EQ(stats.files_total, 10U);
  EXPECT_EQ(stats.written_packets, 95U) << "deleted later, but written";
}

TEST_F(RotationTest, FinishedFilesStayWithinAQuota) {
  record(ring({.file_bytes = 10'000, .keep_bytes = 35'000}), 2000);
  std::uintmax_t finished = 0;
  for (const std::string& file : files()) finished += std::filesystem::file_size(file);
  finished -= std::filesystem::file_size(files().back());
  EXPECT_LE(finished, 35'000U);
  EXPECT_GT(finished, 20'000U);
}

TEST_F(RotationTest, OldFilesMakeRoomOnAFullFileSystem) {
  record(ring({.file_packets = 10, .keep_free_percent = 100.0}), 35);  // never free enough
  EXPECT_LE(files().size(), 2U);
}

TEST_F(RotationTest, AnotherFileUnderOneOfOurNamesIsNotRemoved) {
  PacketFeed feed;
  auto recorder = Recorder::create(ring({.file_packets = 1, .keep_files = 1}), {&feed.source});
  ASSERT_TRUE(recorder);
  const std::string first = files()[0];
  std::filesystem::rename(first, path("kept"));
  std::ofstream(first) << "somebody else's";
  feed.write(*recorder, 0, 4);
  ASSERT_TRUE(recorder->finish());
  EXPECT_TRUE(std::filesystem::exists(first));
  EXPECT_TRUE(std::filesystem::exists(path("kept")));
}

TEST_F(RotationTest, FinishedNamesAreTold) {
  RecorderOptions options = ring({.file_packets = 10, .print_names_to = path("names")});
  const RecorderStats stats = record(options, 25);
  std::ifstream names(path("names"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(names, line);) lines.push_back(line);
  EXPECT_EQ(lines, stats.files);
}

TEST_F(RotationTest, ANumberOfFilesEndsTheRecordingAndCutsTheBatchThere) {
  RecorderOptions options = ring({.file_packets = 10});
  options.stop_after_files = 2;
  PacketFeed feed;
  auto recorder = Recorder::create(options, {&feed.source});
  ASSERT_TRUE(recorder);
  feed.write(*recorder, 0, 19);
  EXPECT_FALSE(recorder->is_complete());
  feed.write(*recorder, 0, 6);
  EXPECT_TRUE(recorder->is_complete());
  feed.write(*recorder, 0, 5);
  ASSERT_TRUE(recorder->finish());
  EXPECT_EQ(recorder->stats().written_packets, 20U);
  EXPECT_EQ(feed.source.stats().delivered, 20U);
  EXPECT_EQ(feed.source.stats().unread, 10U);
  EXPECT_THAT(files(), SizeIs(2));
}

TEST_F(RotationTest, AFileSizeEndsTheRecording) {
  RecorderOptions options{.path = path("out"), .stop_after_file_bytes = 10'000};
  PacketFeed feed;
  auto recorder = Recorder::create(options, {&feed.source});
  ASSERT_TRUE(recorder);
  feed.write(*recorder, 0, 1000);
  EXPECT_TRUE(recorder->is_complete());
  ASSERT_TRUE(recorder->finish());
  EXPECT_GE(std::filesystem::file_size(path("out")), 10'000U);
  EXPECT_LT(std::filesystem::file_size(path("out")), 10'132U);
  EXPECT_EQ(recorder->stats().written_packets, feed.source.stats().delivered);
}

TEST_F(RotationTest, AVanishedDirectoryEndsTheRecordingWithAnErrorAndCountsTheRest) {
  const std::string directory = path("gone");
  std::filesystem::create_directory(directory);
  RecorderOptions options{.path = directory + "/out"};
  options.rotation.file_packets = 10;
  PacketFeed feed;
  auto recorder = Recorder::create(options, {&feed.source});
  ASSERT_TRUE(recorder);
  std::filesystem::remove_all(directory);
  feed.write(*recorder, 0, 25);
  ASSERT_NE(recorder->failure(), nullptr);
  EXPECT_EQ(recorder->failure()->error_number, ENOENT);
  EXPECT_FALSE(recorder->finish());
  EXPECT_EQ(recorder->stats().written_packets, 10U);
  EXPECT_EQ(recorder->stats().dropped_writer, 15U);
  EXPECT_EQ(feed.backend->lent(), 0U);
}

}  // namespace
}  // namespace ringtail
