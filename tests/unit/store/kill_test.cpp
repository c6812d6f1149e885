// A process that is killed leaves a file of whole records, the last one torn at most, and not one packet that never
// was.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <random>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <ringtail/recorder.hpp>

#include "base/sanitizer.hpp"
#include "unit/store/recording_fixture.hpp"
#include "unit/store/ring_feed.hpp"

namespace ringtail {
namespace {

using namespace std::chrono_literals;
using test::FrameCheck;
using test::RecorderTest;
using test::RingFeed;

const int rounds = std::getenv("RINGTAIL_FULL_TESTS") != nullptr ? 100 : 10;

/// How often a child has recorded something; in memory that both have.
class SharedCount {
 public:
  SharedCount()
      : count_(static_cast<std::atomic<std::uint32_t>*>(::mmap(
            nullptr, sizeof(std::atomic<std::uint32_t>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (static_cast<void*>(count_) == MAP_FAILED) std::abort();
  }
  ~SharedCount() { ::munmap(count_, sizeof *count_); }
  SharedCount(const SharedCount&) = delete;
  SharedCount& operator=(const SharedCount&) = delete;
  [[nodiscard]] std::atomic<std::uint32_t>& operator*() const noexcept { return *count_; }

 private:
  std::atomic<std::uint32_t>* count_;
};

/// A child that records numbered packets until it is killed.
class Victim {
 public:
  explicit Victim(const RecorderOptions& options, std::mt19937::result_type seed) : process_(::fork()) {
    if (process_ != 0) return;
    RingFeed feed;
    auto recorder = Recorder::create(options, {&feed.source});
    if (!recorder) ::_exit(1);
    std::mt19937 random(seed);
    for (;;) {
      feed.record(*recorder, 0, 1 + random() % 500, 60, 1514, random);
      (*recorded_).fetch_add(1, std::memory_order_relaxed);
      if (random() % 50 == 0) std::this_thread::sleep_for(1ms);
    }
  }
  ~Victim() { kill(); }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  /// Until it has recorded enough for some of it to have left every buffer, however busy the machine is.
  void wait_until_at_work() const {
    constexpr std::uint32_t enough = 40;  // some 10,000 packets, 8 MB
    const auto latest = std::chrono::steady_clock::now() + 20s;
    while ((*recorded_).load(std::memory_order_relaxed) < enough && std::chrono::steady_clock::now() < latest) {
      std::this_thread::sleep_for(1ms);
    }
  }
  void kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }

 private:
  SharedCount recorded_;
  pid_t process_;
};

int last_byte_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(-1, std::ios::end);
  return file.get();
}

class KillTest : public RecorderTest, public testing::WithParamInterface<std::tuple<Writer, FileFormat>> {};

INSTANTIATE_TEST_SUITE_P(, KillTest, test::every_writer_and_format(), test::writer_and_format_name);

TEST_P(KillTest, LeavesWholeRecordsAtARandomMoment) {
  if (base::under_thread_sanitizer) {
    GTEST_SKIP() << "a forked child gets no packet written under ThreadSanitizer before it is killed";
  }
  const auto [writer, format] = GetParam();
  std::mt19937 random(7);
  std::uint64_t packets = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::string file = path("out" + std::to_string(round));
    Victim victim({.path = file, .format = format, .writer = writer, .flush_interval = 5ms}, random());
    if (round % 2 == 0) victim.wait_until_at_work();  // the others may be killed before they have begun
    std::this_thread::sleep_for(std::chrono::microseconds(2'000 + random() % 30'000));
    victim.kill();
    if (!std::filesystem::exists(file)) continue;
    FrameCheck check;
    const test::FileWalk walk = test::walk_file(file, format, check);
    EXPECT_EQ(check.faults(), 0U);
    if (writer == Writer::mmap && format != FileFormat::pcapng && walk.torn_bytes != 0) {
      EXPECT_EQ(last_byte_of(file), 0xFF) << "a length that readers refuse; zeros would be packets";
    } else {
      EXPECT_LT(walk.torn_bytes, 5000U) << "a torn record or filler is shorter than one; zeros would go on and on";
    }
    packets += walk.packets;
    std::filesystem::remove(file);
  }
  EXPECT_GT(packets, 0U);
}

}  // namespace
}  // namespace ringtail
