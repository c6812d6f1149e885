// What becomes of a recording when its output breaks: the file ends after its last whole record, one error says why,
// and every packet is counted as written or dropped.
#include <csignal>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include <ringtail/recorder.hpp>

#include "base/file_descriptor.hpp"
#include "unit/store/recording_fixture.hpp"
#include "unit/store/ring_feed.hpp"

namespace ringtail {
namespace {

using test::PacketFeed;
using test::RecorderTest;
using test::RingFeed;
using testing::HasSubstr;

class OutputFaultTest : public RecorderTest {
 protected:
  OutputFaultTest() {
    // As every program does that writes to pipes and under limits: it wants the errno, not the signal.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
  }

  /// Records copied packets until that fails, and a few more, then judges what the file holds.
  static void expect_clean_end(const RecorderOptions& options, int error_number, std::uint32_t margin_bytes = 0) {
    PacketFeed feed;
    feed.backend->set_margins(margin_bytes, margin_bytes);
    auto recorder = Recorder::create(options, {&feed.source});
    ASSERT_TRUE(recorder) << recorder.error().message();
    for (int round = 0; round < 100 && recorder->failure() == nullptr; ++round) {
      feed.write(*recorder, 0, 1000, 333);
      if (round % 7 == 0) recorder->tick();
    }
    feed.write(*recorder, 0, 500, 333);
    expect_failure(*recorder, options, error_number, feed.source.stats().delivered);
    EXPECT_EQ(feed.backend->lent(), 0U);
    EXPECT_TRUE(test::are_consecutive(test::read_numbers({options.path}), 0, recorder->stats().written_packets));
  }

  /// The same with packets whose blocks become the file where they stand.
  static void expect_clean_end_in_place(const RecorderOptions& options, int error_number) {
    RingFeed feed;
    std::mt19937 random(5);
    auto recorder = Recorder::create(options, {&feed.source});
    ASSERT_TRUE(recorder) << recorder.error().message();
    for (int round = 0; round < 200 && recorder->failure() == nullptr; ++round) {
      feed.record(*recorder, 0, 300, 30, 1514, random);
    }
    feed.record(*recorder, 0, 600, 30, 1514, random);
    expect_failure(*recorder, options, error_number, feed.source.stats().delivered);
    EXPECT_EQ(feed.source.stats().unread + feed.source.stats().dropped_ring, 0U) << "every block came back";
    test::FrameCheck check;
    EXPECT_EQ(test::walk_file(options.path, options.format, check).torn_bytes, 0U);
    EXPECT_EQ(check.frames(), recorder->stats().written_packets);
    EXPECT_EQ(check.faults(), 0U);
  }

 private:
  static void expect_failure(Recorder& recorder, const RecorderOptions& options, int error_number,
                             std::uint64_t delivered) {
    ASSERT_NE(recorder.failure(), nullptr);
    EXPECT_EQ(recorder.failure()->error_number, error_number);
    EXPECT_THAT(recorder.failure()->message(), HasSubstr(options.path));
    EXPECT_FALSE(recorder.finish());
    const RecorderStats stats = recorder.stats();
    EXPECT_EQ(delivered, stats.written_packets + stats.dropped_writer);
    EXPECT_EQ(stats.written_bytes, std::filesystem::file_size(options.path));
    EXPECT_GT(stats.written_packets, 0U);
    EXPECT_GT(stats.dropped_writer, 0U);
  }
};

/// What is true of every writer, in pcapng and in classic pcap.
class EveryWriterFaultTest : public OutputFaultTest,
                             public testing::WithParamInterface<std::tuple<Writer, FileFormat>> {
 protected:
  /// A write every so often ends in the middle of a chunk, and flushes are frequent.
  [[nodiscard]] static RecorderOptions options(const std::string& path) {
    return {.path = path,
            .format = std::get<FileFormat>(GetParam()),
            .writer = std::get<Writer>(GetParam()),
            .flush_interval = std::chrono::milliseconds(1)};
  }
};

INSTANTIATE_TEST_SUITE_P(, EveryWriterFaultTest, test::every_writer_and_format(), test::writer_and_format_name);

/// A little file system at `directory` that only this process sees, until the end of the scope.
class SmallFileSystem {
 public:
  SmallFileSystem(const std::string& directory, const char* type) : directory_(directory) {
    std::filesystem::create_directory(directory);
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
    if (type == std::string("tmpfs")) {
      is_mounted_ = ::mount("none", directory.c_str(), "tmpfs", 0, "size=2m") == 0;
      return;
    }
    const std::string image = directory + ".image";
    is_mounted_ = test::run("{ truncate -s 4M '" + image + "' && mkfs." + type + " -q '" + image +
                            "' && mount -o loop '" + image + "' '" + directory + "'; } 2>&1")
                      .exit_status == 0;
  }
  ~SmallFileSystem() {
    if (is_mounted_) ::umount2(directory_.c_str(), 0);
  }
  SmallFileSystem(const SmallFileSystem&) = delete;
  SmallFileSystem& operator=(const SmallFileSystem&) = delete;
  [[nodiscard]] bool is_mounted() const { return is_mounted_; }

 private:
  std::string directory_;
  bool is_mounted_ = false;
};

/// Files of this process grow to `bytes` at most, until the end of the scope.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_P(EveryWriterFaultTest, AFullDisk) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  RINGTAIL_NEEDS_PROGRAM("mkfs.ext4");
  const SmallFileSystem small(path("small"), "ext4");
  if (!small.is_mounted()) GTEST_SKIP() << "mounting a file system needs root and a loop device";
  expect_clean_end(options(path("small/out")), ENOSPC);
  expect_clean_end_in_place(options(path("small/out")), ENOSPC);
}

TEST_P(EveryWriterFaultTest, AFullTmpfs) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  const SmallFileSystem small(path("small"), "tmpfs");
  if (!small.is_mounted()) GTEST_SKIP() << "mounting a tmpfs needs root";
  expect_clean_end(options(path("small/out")), ENOSPC);
  expect_clean_end_in_place(options(path("small/out")), ENOSPC);
}

TEST_P(EveryWriterFaultTest, AFileSizeLimit) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  const FileSizeLimit limit(1'234'567);
  expect_clean_end(options(path("out")), EFBIG);
  expect_clean_end_in_place(options(path("out")), EFBIG);
}

/// Packets that go into the file in pieces, from where they lie.
class PiecesFaultTest : public OutputFaultTest, public testing::WithParamInterface<const char*> {
 protected:
  static constexpr std::uint32_t margin_bytes = 128;
  [[nodiscard]] static RecorderOptions options(const std::string& path) {
    return {.path = path, .writer = Writer::splice, .layout = Layout::dilate};
  }
};

INSTANTIATE_TEST_SUITE_P(, PiecesFaultTest, testing::Values("tmpfs", "ext4"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST_P(PiecesFaultTest, AFullDisk) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  RINGTAIL_NEEDS_PROGRAM("mkfs.ext4");
  const SmallFileSystem small(path("small"), GetParam());
  if (!small.is_mounted()) GTEST_SKIP() << "mounting a file system needs root and a loop device";
  expect_clean_end(options(path("small/out")), ENOSPC, margin_bytes);
}

TEST_P(PiecesFaultTest, AFileSizeLimit) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  const SmallFileSystem small(path("small"), GetParam());
  if (!small.is_mounted()) GTEST_SKIP() << "mounting a file system needs root and a loop device";
  const FileSizeLimit limit(1'234'567);
  expect_clean_end(options(path("small/out")), EFBIG, margin_bytes);
}

TEST_F(OutputFaultTest, AHeaderThatCannotBeWrittenLeavesNoFile) {
  const FileSizeLimit limit(10);
  const auto recorder = Recorder::create({.path = path("out")});
  ASSERT_FALSE(recorder);
  EXPECT_EQ(recorder.error().error_number, EFBIG);
  EXPECT_TRUE(files().empty());
}

TEST_F(OutputFaultTest, ADeviceThatIsAlwaysFull) {
  const auto recorder = Recorder::create({.path = "/dev/full"});
  ASSERT_FALSE(recorder);
  EXPECT_EQ(recorder.error().error_number, ENOSPC);
}

/// Both ends of a pipe; the writing end has a name.
struct Pipe {
  Pipe() {
    int ends[2] = {};
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    reader = base::FileDescriptor(ends[0]);
    writer = base::FileDescriptor(ends[1]);
  }
  [[nodiscard]] std::string path() const { return "/dev/fd/" + std::to_string(writer.get()); }
  base::FileDescriptor reader;
  base::FileDescriptor writer;
};

TEST_F(OutputFaultTest, AReaderThatGoesAway) {
  Pipe pipe;
  auto recorder = Recorder::create({.path = pipe.path()});
  ASSERT_TRUE(recorder);
  pipe.reader.close();
  PacketFeed feed;
  const auto id = recorder->add_source(feed.source);
  feed.write(*recorder, *id, 20'000, 300);
  ASSERT_NE(recorder->failure(), nullptr);
  EXPECT_EQ(recorder->failure()->error_number, EPIPE);
  EXPECT_FALSE(recorder->finish());
  const RecorderStats stats = recorder->stats();
  EXPECT_EQ(stats.written_packets + stats.dropped_writer, 20'000U);
  EXPECT_EQ(feed.backend->lent(), 0U);
}

TEST_F(OutputFaultTest, ASlowReaderOfANonBlockingPipeGetsEverything) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  Pipe pipe;
  ASSERT_EQ(::fcntl(pipe.writer.get(), F_SETFL, O_NONBLOCK), 0);
  std::thread reader([&] {
    const base::FileDescriptor copy(::open(path("copy").c_str(), O_WRONLY | O_CREAT, 0600));
    char buffer[5000];
    for (ssize_t got = 0; (got = ::read(pipe.reader.get(), buffer, sizeof buffer)) > 0;) {
      ASSERT_EQ(::write(copy.get(), buffer, static_cast<std::size_t>(got)), got);
    }
  });
  PacketFeed feed;
  auto recorder = Recorder::create({.path = pipe.path()}, {&feed.source});
  ASSERT_TRUE(recorder);
  feed.write(*recorder, 0, 10'000, 300);
  EXPECT_TRUE(recorder->finish());
  pipe.writer.close();
  reader.join();
  EXPECT_TRUE(test::are_consecutive(test::read_numbers({path("copy")}), 0, 10'000));
}

}  // namespace
}  // namespace ringtail
