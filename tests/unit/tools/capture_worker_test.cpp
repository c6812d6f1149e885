#include "capture_worker.hpp"

#include <filesystem>
#include <gmock/gmock.h>

#include "fixture/memory_backend.hpp"

namespace ringtail::tools {
namespace {

using namespace std::chrono_literals;
using test::make_numbered_packet;
using test::MemoryBackend;
using testing::HasSubstr;

CaptureCommons make_commons(std::optional<std::uint64_t> limit = std::nullopt) {
  return {.budget = PacketBudget(limit), .bell = base::WakeEvent::create(), .longest_wait = 20ms};
}

/// Sources of a worker, each with so many packets waiting.
std::vector<Source> make_sources(const std::vector<std::uint64_t>& packets, bool ended) {
  std::vector<Source> sources;
  for (const std::uint64_t count : packets) {
    MemoryBackend* backend = MemoryBackend::create();
    for (std::uint64_t number = 0; number < count; ++number) backend->push(make_numbered_packet(number, 100));
    if (ended) backend->end();
    sources.push_back(test::make_source(backend));
  }
  return sources;
}

Stats total_of(const CaptureWorker& worker) {
  Stats total;
  for (const Source& source : worker.sources()) {
    const Stats stats = source.stats();
    EXPECT_EQ(stats.received, stats.delivered + stats.dropped_ring + stats.unread);
    total.received += stats.received;
    total.delivered += stats.delivered;
    total.unread += stats.unread;
  }
  return total;
}

class CaptureWorkerTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/ringtail-worker-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  RecorderOptions recording(const std::string& name = "out.pcapng") const {
    return {.path = (directory_ / name).string()};
  }

  std::filesystem::path directory_;
};

TEST_F(CaptureWorkerTest, WritesEverythingItsSourcesHave) {
  CaptureCommons commons = make_commons();
  auto worker = CaptureWorker::create(commons, make_sources({1000, 0, 500}, true), recording()).value();
  worker->start(std::nullopt);
  worker->join();
  EXPECT_EQ(worker->end(), WorkerEnd::drained);
  EXPECT_EQ(worker->failure(), std::nullopt);
  EXPECT_EQ(total_of(*worker).delivered, 1500U);
  EXPECT_EQ(worker->written().written_packets, 1500U);
  EXPECT_TRUE(commons.bell.drain());
}

TEST_F(CaptureWorkerTest, PacketLimitIsExactOverAllSources) {
  CaptureCommons commons = make_commons(777);
  auto worker = CaptureWorker::create(commons, make_sources({600, 600}, false), recording()).value();
  worker->start(std::nullopt);
  worker->join();
  EXPECT_EQ(worker->end(), WorkerEnd::limit);
  const Stats total = total_of(*worker);
  EXPECT_EQ(total.received, 1200U);
  EXPECT_EQ(total.delivered, 777U);
  EXPECT_EQ(total.unread, 423U);
  EXPECT_EQ(worker->written().written_packets, 777U);
}

TEST_F(CaptureWorkerTest, PacketLimitIsExactOverAllWorkers) {
  CaptureCommons commons = make_commons(1501);
  std::vector<std::unique_ptr<CaptureWorker>> workers;
  for (int index = 0; index < 3; ++index) {
    const std::string name = "out." + std::to_string(index) + ".pcapng";
    workers.push_back(CaptureWorker::create(commons, make_sources({1000}, false), recording(name)).value());
  }
  for (const auto& worker : workers) worker->start(std::nullopt);
  std::uint64_t written = 0;
  for (const auto& worker : workers) {
    worker->join();
    EXPECT_EQ(worker->end(), WorkerEnd::limit);
    EXPECT_EQ(worker->written().written_packets, total_of(*worker).delivered);
    written += worker->written().written_packets;
  }
  EXPECT_EQ(written, 1501U);
}

TEST_F(CaptureWorkerTest, StopTakesWhatHasComeIn) {
  CaptureCommons commons = make_commons();
  auto worker = CaptureWorker::create(commons, make_sources({2000, 100}, false), recording()).value();
  worker->start(std::nullopt);
  worker->stop();
  worker->join();
  EXPECT_EQ(worker->end(), WorkerEnd::drained);
  EXPECT_EQ(worker->written().written_packets, 2100U);
}

TEST_F(CaptureWorkerTest, AbandonLeavesTheRestUnreadAndTheFileWhole) {
  CaptureCommons commons = make_commons();
  auto worker = CaptureWorker::create(commons, make_sources({2000}, false), recording()).value();
  worker->abandon();
  worker->start(std::nullopt);
  worker->join();
  const Stats total = total_of(*worker);
  EXPECT_EQ(total.unread, 2000U - total.delivered);
  EXPECT_EQ(worker->written().written_packets, total.delivered);
}

TEST_F(CaptureWorkerTest, FileLimitEndsItWithTheRestUnread) {
  CaptureCommons commons = make_commons();
  RecorderOptions options = recording();
  options.stop_after_file_bytes = 10'000;
  auto worker = CaptureWorker::create(commons, make_sources({1000}, false), options).value();
  worker->start(std::nullopt);
  worker->join();
  EXPECT_EQ(worker->end(), WorkerEnd::limit);
  const Stats total = total_of(*worker);
  EXPECT_EQ(worker->written().written_packets, total.delivered);
  EXPECT_LT(total.delivered, 100U);
  EXPECT_EQ(total.received, total.delivered + total.unread);
}

TEST_F(CaptureWorkerTest, FullDiskIsAFailureAndEveryPacketIsInTheBooks) {
  CaptureCommons commons = make_commons();
  auto worker = CaptureWorker::create(commons, make_sources({3000}, true), RecorderOptions{.path = "/dev/full"});
  if (worker.has_value()) {
    (*worker)->start(std::nullopt);
    (*worker)->join();
    EXPECT_EQ((*worker)->end(), WorkerEnd::failed);
    EXPECT_THAT((*worker)->failure()->message(), HasSubstr("No space left"));
    const RecorderStats written = (*worker)->written();
    EXPECT_EQ(total_of(**worker).delivered, written.written_packets + written.dropped_writer);
  } else {
    EXPECT_THAT(worker.error().message(), HasSubstr("No space left"));
  }
}

TEST_F(CaptureWorkerTest, WithoutAFileJustCounts) {
  CaptureCommons commons = make_commons();
  auto worker = CaptureWorker::create(commons, make_sources({10}, true), std::nullopt).value();
  worker->start(std::nullopt);
  worker->join();
  EXPECT_EQ(total_of(*worker).delivered, 10U);
  EXPECT_EQ(worker->written().files_total, 0U);
}

TEST_F(CaptureWorkerTest, OnACpuThatIsNoneSaysSo) {
  CaptureCommons commons = make_commons();
  auto worker = CaptureWorker::create(commons, make_sources({10}, true), recording()).value();
  worker->start(1000);
  worker->join();
  EXPECT_EQ(worker->end(), WorkerEnd::failed);
  EXPECT_THAT(worker->failure()->message(), HasSubstr("CPU 1000"));
}

}  // namespace
}  // namespace ringtail::tools
