// Writers that go through the page cache leave little in it that is not on the disk.
#include "store/write_behind.hpp"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <optional>
#include <sys/syscall.h>
#include <unistd.h>

#include <ringtail/recorder.hpp>

#include "base/file_descriptor.hpp"
#include "unit/store/recording_fixture.hpp"

namespace ringtail {
namespace {

using test::PacketFeed;
using test::RecorderTest;

/// Pages of a file that are not on the disk: cachestat(2), new in Linux 6.5 and without a function in libc yet.
std::optional<std::uint64_t> unwritten_pages(const std::string& path) {
  struct Range {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;  // to the end
  } range;
  struct Pages {
    std::uint64_t cached = 0;
    std::uint64_t dirty = 0;
    std::uint64_t being_written = 0;
    std::uint64_t evicted = 0;
    std::uint64_t recently_evicted = 0;
  } pages;
  constexpr long cachestat_number = 451;
  const base::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (::syscall(cachestat_number, file.get(), &range, &pages, 0) != 0) return std::nullopt;
  return pages.dirty + pages.being_written;
}

class WriteBehindTest : public RecorderTest, public testing::WithParamInterface<Writer> {};

INSTANTIATE_TEST_SUITE_P(, WriteBehindTest, testing::Values(Writer::write, Writer::mmap),
                         [](const auto& way) { return way.param == Writer::write ? "Write" : "Mmap"; });

TEST_P(WriteBehindTest, DirtyDataIsBounded) {
  PacketFeed feed;
  auto recorder = Recorder::create({.path = path("out"), .writer = GetParam()}, {&feed.source});
  ASSERT_TRUE(recorder);
  std::uint64_t most_pages = 0;
  for (int round = 0; round < 24; ++round) {
    feed.write(*recorder, 0, 250, 10'000);
    recorder->tick();
    const auto pages = unwritten_pages(path("out"));
    if (!pages) GTEST_SKIP() << "cachestat(2) is not to be had, errno " << errno;
    most_pages = std::max(most_pages, *pages);
  }
  constexpr std::uint64_t window_bytes = 2 << 20;  // the mmap writer's is taken by writing, and dirty
  constexpr std::uint64_t chunk_bytes = 1 << 20;
  EXPECT_GT(recorder->stats().written_bytes, 55'000'000U);
  EXPECT_LE(most_pages * 4096, 2 * store::WriteBehind::step_bytes + 2 * chunk_bytes + 2 * window_bytes);
  EXPECT_TRUE(recorder->finish());
}

}  // namespace
}  // namespace ringtail
