#include "store/caretaker.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <ringtail/recorder.hpp>

#include "base/file_descriptor.hpp"
#include "unit/store/recording_fixture.hpp"
#include "unit/store/ring_feed.hpp"

namespace ringtail {
namespace {

using namespace std::chrono_literals;
using test::PacketFeed;
using test::RecorderTest;
using testing::SizeIs;

/// Whoever writes a finished file's name into it waits until somebody reads: a disk as slow as a test wants it.
class FullPipe {
 public:
  explicit FullPipe(const std::string& path) {
    if (::mkfifo(path.c_str(), 0600) != 0) std::abort();
    pipe_ = base::FileDescriptor(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    const std::string filling(4096, '\n');
    while (::write(pipe_.get(), filling.data(), filling.size()) > 0) continue;
  }
  /// Reads everything until `lines` names have come.
  std::vector<std::string> read_names(std::size_t lines) {
    std::vector<std::string> names;
    std::string line;
    while (names.size() < lines) {
      char byte = 0;
      if (::read(pipe_.get(), &byte, 1) != 1) {
        std::this_thread::sleep_for(1ms);
      } else if (byte != '\n') {
        line += byte;
      } else if (!line.empty()) {
        names.push_back(std::exchange(line, {}));
      }
    }
    return names;
  }

 private:
  base::FileDescriptor pipe_;
};

class CaretakerTest : public RecorderTest {
 protected:
  /// A directory for the ring of files alone.
  CaretakerTest() { std::filesystem::create_directory(directory_ / "ring"); }

  [[nodiscard]] RecorderOptions ring(const Rotation& rotation) const {
    RecorderOptions options{.path = path("ring/out.pcapng")};
    options.rotation = rotation;
    return options;
  }
  [[nodiscard]] std::vector<std::string> ring_files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "ring")) names.push_back(entry.path());
    std::ranges::sort(names);
    return names;
  }
  /// How many files of the ring's directory this process has open that have no name.
  [[nodiscard]] std::size_t unnamed_files() const {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code closed_meanwhile;
      const std::string target = std::filesystem::read_symlink(entry.path(), closed_meanwhile);
      if (target.starts_with(path("ring/")) && target.ends_with(" (deleted)")) ++files;
    }
    return files;
  }
  void wait_for_unnamed_file() const {
    for (int turn = 0; turn < 5000 && unnamed_files() == 0; ++turn) std::this_thread::sleep_for(1ms);
  }
};

TEST_F(CaretakerTest, AFileThatIsSlowToFinishHoldsNobodyUp) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  FullPipe pipe(path("names"));
  PacketFeed feed;
  auto recorder = Recorder::create(ring({.file_packets = 10, .print_names_to = path("names")}), {&feed.source});
  ASSERT_TRUE(recorder) << recorder.error().message();
  feed.write(*recorder, 0, 25);  // two files are full, the first cannot be finished
  recorder->tick();
  EXPECT_EQ(recorder->file_packets(), 5U);
  EXPECT_EQ(recorder->stats().written_packets, 25U);
  EXPECT_EQ(feed.backend->lent(), 0U);

  std::vector<std::string> told;
  std::thread reader([&] { told = pipe.read_names(3); });
  ASSERT_TRUE(recorder->finish());
  reader.join();
  EXPECT_EQ(told, recorder->stats().files);
  EXPECT_EQ(told, ring_files());
  EXPECT_TRUE(test::are_consecutive(test::read_numbers(ring_files()), 0, 25));
}

TEST_F(CaretakerTest, TheNextFileIsOpenBeforeItIsNeededAndHasNoName) {
  if (!store::open_unnamed(directory_, false)) GTEST_SKIP() << "this file system has no files without names";
  PacketFeed feed;
  auto recorder = Recorder::create(ring({.file_packets = 10}), {&feed.source});
  ASSERT_TRUE(recorder);
  EXPECT_EQ(unnamed_files(), 0U) << "whoever opens a recording may still want to give up privileges";
  feed.write(*recorder, 0, 5);
  recorder->tick();
  wait_for_unnamed_file();
  EXPECT_GE(unnamed_files(), 1U);
  EXPECT_THAT(ring_files(), SizeIs(1));
  ASSERT_TRUE(recorder->finish());
  EXPECT_EQ(unnamed_files(), 0U);
  EXPECT_THAT(ring_files(), SizeIs(1));
}

TEST_F(CaretakerTest, ADirectoryThatVanishesAfterTheNextFileWasOpenedEndsTheRecording) {
  PacketFeed feed;
  auto recorder = Recorder::create(ring({.file_packets = 10}), {&feed.source});
  ASSERT_TRUE(recorder);
  recorder->tick();
  wait_for_unnamed_file();
  std::filesystem::remove_all(directory_ / "ring");
  feed.write(*recorder, 0, 25);
  ASSERT_NE(recorder->failure(), nullptr);
  EXPECT_EQ(recorder->failure()->error_number, ENOENT);
  EXPECT_FALSE(recorder->finish());
  EXPECT_EQ(recorder->stats().written_packets, 10U);
  EXPECT_EQ(recorder->stats().dropped_writer, 15U);
}

TEST_F(CaretakerTest, AMappedFileThatIsShortenedBeforeItIsFinishedIsAFailureAndNotDeath) {
  PacketFeed feed;
  RecorderOptions options = ring({.file_packets = 10});
  options.writer = Writer::mmap;
  auto recorder = Recorder::create(options, {&feed.source});
  ASSERT_TRUE(recorder);
  feed.write(*recorder, 0, 10);
  std::filesystem::resize_file(ring_files().front(), 0);
  feed.write(*recorder, 0, 1);  // the first file goes to the caretaker, its last window not yet published
  EXPECT_FALSE(recorder->finish());
  const RecorderStats stats = recorder->stats();
  EXPECT_EQ(stats.written_packets + stats.dropped_writer, 11U);
  EXPECT_GE(stats.dropped_writer, 10U);
}

TEST_F(CaretakerTest, ManyFilesASecondLoseNothingInPlaceEither) {
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::pcap}) {
    test::RingFeed feed(std::size_t{256} << 10, 64);
    std::mt19937 random(11);
    RecorderOptions options = ring({.file_bytes = 2'000'000});
    options.format = format;
    options.sync_interval = 0s;  // as often as there is a tick
    auto recorder = Recorder::create(options, {&feed.source});
    ASSERT_TRUE(recorder);
    for (int round = 0; round < 40; ++round) {
      feed.record(*recorder, 0, 300, 30, 1514, random);
      recorder->tick();
      if (round % 9 == 0) recorder->rotate();
    }
    ASSERT_TRUE(recorder->finish());
    test::FrameCheck check;
    for (const std::string& file : ring_files()) {
      EXPECT_EQ(test::walk_file(file, format, check).torn_bytes, 0U);
      std::filesystem::remove(file);
    }
    EXPECT_EQ(check.faults(), 0U);
    EXPECT_EQ(check.frames(), recorder->stats().written_packets);
    EXPECT_EQ(recorder->stats().written_packets, feed.source.stats().delivered);
    EXPECT_EQ(feed.source.stats().dropped_ring + feed.source.stats().unread, 0U);
    EXPECT_GT(recorder->stats().files_total, 8U);
  }
}

}  // namespace
}  // namespace ringtail
