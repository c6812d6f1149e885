// Splicing: memory goes into the file by reference, and is ours again when the call returns.
#include <csignal>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ringtail/recorder.hpp>

#include "base/file_descriptor.hpp"
#include "base/mapping.hpp"
#include "store/splice_pipe.hpp"
#include "unit/store/recording_fixture.hpp"
#include "unit/store/ring_feed.hpp"

namespace ringtail {
namespace {

using store::SplicePipe;
using store::Written;
using test::PacketFeed;
using test::RecorderTest;
using test::RingFeed;

class SplicePipeTest : public RecorderTest {
 protected:
  SplicePipeTest() : file_(::open(path("out").c_str(), O_RDWR | O_CREAT, 0600)) {}

  void fill(unsigned seed) {
    std::mt19937 random(seed);
    std::ranges::fill(memory_.memory(), static_cast<std::byte>(seed));
    for (std::size_t at = 0; at < memory_.size(); at += 64) memory_.data()[at] = static_cast<std::byte>(random());
  }
  [[nodiscard]] std::vector<std::byte> read_file(std::size_t bytes) const {
    std::vector<std::byte> content(bytes);
    EXPECT_TRUE(store::read_all_at(file_.get(), content, 0));
    return content;
  }

  base::FileDescriptor file_;
  base::Mapping memory_ = base::Mapping::anonymous(5 << 20).value();
};

TEST_F(SplicePipeTest, WhatIsWrittenIsOutOfOurHandsWhenTheCallReturns) {
  auto pipe = SplicePipe::create();
  ASSERT_TRUE(pipe);
  std::mt19937 random(1);
  std::vector<std::byte> expected;
  for (unsigned round = 0; round < 12; ++round) {
    fill(round);
    const std::size_t begin = round % 3 == 0 ? 0 : random() % 5000;  // on a page boundary or not
    const auto bytes = memory_.memory().subspan(begin, 1 + random() % (4 << 20));
    const iovec whole{bytes.data(), bytes.size()};
    const Written written = pipe->write(file_.get(), {&whole, 1}, expected.size());
    ASSERT_EQ(written.error_number, 0);
    ASSERT_EQ(written.bytes, bytes.size());
    expected.insert(expected.end(), bytes.begin(), bytes.end());
    std::ranges::fill(bytes, std::byte{0xAA});  // as the kernel does with a ring block that it has got back
  }
  EXPECT_TRUE(read_file(expected.size()) == expected);
}

TEST_F(SplicePipeTest, AnErrorIsToldWithWhatGotThroughAndClosesThePipe) {
  std::signal(SIGXFSZ, SIG_IGN);
  auto pipe = SplicePipe::create();
  ASSERT_TRUE(pipe);
  fill(1);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit limit{1'234'567, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const iovec whole{memory_.data(), memory_.size()};
  const Written written = pipe->write(file_.get(), {&whole, 1}, 0);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(written.error_number, EFBIG);
  EXPECT_EQ(written.bytes, 1'234'567U);
  EXPECT_FALSE(pipe->is_open());
  const std::vector<std::byte> content = read_file(written.bytes);
  EXPECT_TRUE(std::ranges::equal(content, memory_.memory().first(written.bytes)));
}

// Some on one page, some over several, more than a pipe has room for.
TEST_F(SplicePipeTest, PiecesFollowEachOtherInTheFile) {
  auto pipe = SplicePipe::create();
  ASSERT_TRUE(pipe);
  fill(1);
  std::mt19937 random(2);
  std::vector<iovec> pieces;
  std::vector<std::byte> expected;
  for (std::size_t at = random() % 100; at < memory_.size() - 20'000; at += random() % 3'000) {
    const std::size_t length = 1 + random() % (pieces.size() % 50 == 0 ? 20'000 : 1'600);
    const auto piece = memory_.memory().subspan(at, length);
    pieces.push_back({piece.data(), piece.size()});
    expected.insert(expected.end(), piece.begin(), piece.end());
  }
  ASSERT_GT(pieces.size(), 3'000U);
  const Written written = pipe->write(file_.get(), pieces, 0);
  EXPECT_EQ(written.error_number, 0);
  EXPECT_EQ(written.bytes, expected.size());
  EXPECT_TRUE(read_file(expected.size()) == expected);
}

TEST_F(SplicePipeTest, WhatThePipeRefusesIsWrittenByOtherMeans) {
  auto pipe = SplicePipe::create();
  ASSERT_TRUE(pipe);
  fill(1);
  const iovec pieces[] = {{memory_.data(), 2 << 20}, {memory_.data() + (2 << 20), 4097}};
  const base::FileDescriptor appending(::open(path("out").c_str(), O_WRONLY | O_APPEND));  // splice(2): EINVAL
  Written written = pipe->write_or_copy(appending.get(), pieces, 0);
  EXPECT_EQ(written.error_number, 0);
  EXPECT_EQ(written.bytes, (2U << 20) + 4097);
  EXPECT_FALSE(pipe->is_open());
  EXPECT_TRUE(std::ranges::equal(read_file(written.bytes), memory_.memory().first(written.bytes)));

  const base::FileDescriptor read_only(::open(path("out").c_str(), O_RDONLY));
  written = SplicePipe::create()->write_or_copy(read_only.get(), pieces, 0);
  EXPECT_EQ(written.error_number, EBADF);
  EXPECT_EQ(written.bytes, 0U);
}

/// On a file system without direct I/O.
class SpliceOnTmpfsTest : public RecorderTest {
 protected:
  SpliceOnTmpfsTest() : RecorderTest("/dev/shm") {}
};

TEST_F(SpliceOnTmpfsTest, NoBlockIsGivenBackTooEarly) {
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::pcap}) {
    RingFeed feed;
    auto recorder = Recorder::create({.path = path("out"), .format = format, .writer = Writer::splice}, {&feed.source});
    ASSERT_TRUE(recorder);
    ASSERT_EQ(recorder->stats().writer, "splice");
    std::mt19937 random(4);
    feed.record(*recorder, 0, 6000, 30, 1514, random);
    ASSERT_TRUE(recorder->finish());
    test::FrameCheck check;
    EXPECT_EQ(test::walk_file(path("out"), format, check).torn_bytes, 0U);
    EXPECT_EQ(check.frames(), 6000U);
    EXPECT_EQ(check.faults(), 0U);
    EXPECT_EQ(recorder->stats().written_bytes, std::filesystem::file_size(path("out")));
  }
}

// Whoever reads a pipe may pass its pages on by reference, and we would never hear when they are read.
TEST_F(RecorderTest, IntoAPipeNothingIsSpliced) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  const base::FileDescriptor reader(::open(path("fifo").c_str(), O_RDONLY | O_NONBLOCK));
  const auto recorder = Recorder::create({.path = path("fifo"), .writer = Writer::splice});
  ASSERT_TRUE(recorder);
  EXPECT_EQ(recorder->stats().writer, "write");
}

TEST_F(RecorderTest, BehindAShellsAppendingRedirectionThePlainWriterSteps) {
  const base::FileDescriptor log(::open(path("log").c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600));
  ASSERT_EQ(::write(log.get(), "before", 6), 6);
  PacketFeed feed;
  auto recorder =
      Recorder::create({.path = "/dev/fd/" + std::to_string(log.get()), .writer = Writer::splice}, {&feed.source});
  ASSERT_TRUE(recorder);
  EXPECT_EQ(recorder->stats().writer, "write");
  feed.write(*recorder, 0, 100, 100);
  EXPECT_TRUE(recorder->finish());
  EXPECT_EQ(std::filesystem::file_size(path("log")), 6 + recorder->stats().written_bytes);
}

}  // namespace
}  // namespace ringtail
