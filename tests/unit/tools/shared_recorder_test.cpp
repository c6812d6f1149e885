#include "shared_recorder.hpp"

#include <filesystem>
#include <gmock/gmock.h>
#include <map>

#include "capture_worker.hpp"
#include "fixture/fake_backend.hpp"
#include "fixture/memory_backend.hpp"
#include "fixture/numbered_frames.hpp"

namespace ringtail::tools {
namespace {

using namespace std::chrono_literals;
using test::make_numbered_packet;
using test::MemoryBackend;

/// Several workers with a source each, all writing into one file.
class SharedRecorderTest : public testing::Test {
 protected:
  SharedRecorderTest() {
    char name[] = "/tmp/ringtail-shared-XXXXXX";
    if (mkdtemp(name) == nullptr) std::abort();
    directory_ = name;
    recording_.path = (directory_ / "out.pcapng").string();
  }
  ~SharedRecorderTest() override {
    recorder_.reset();
    workers_.clear();
    std::filesystem::remove_all(directory_);
  }

  /// A worker whose source holds packets numbered from `first` on.
  void add_worker(std::uint64_t first, std::uint64_t count) {
    MemoryBackend* backend = MemoryBackend::create();
    for (std::uint64_t number = first; number < first + count; ++number) {
      backend->push(make_numbered_packet(number, 100));
    }
    std::vector<Source> sources;
    sources.push_back(test::make_source(backend));
    workers_.push_back(CaptureWorker::create(commons_, std::move(sources), std::nullopt).value());
  }

  /// A worker with a ring whose blocks hold frames numbered from `first` on, some of them tagged.
  void add_ring(std::uint64_t first, std::uint64_t count) {
    auto* backend = new fixture::FakeBackend(fixture::small_geometry(64), 64);
    for (std::uint64_t number = first; number < first + count; ++number) {
      const auto frame = fixture::make_numbered_frame(number, 60 + number * 7919 % 1400);
      backend->kernel().deliver({.bytes = frame,
                                 .timestamp_ns = 1'700'000'000'000'000'000 + number,
                                 .interface_index = 1,
                                 .has_tag = number % 5 == 0,
                                 .vlan_tci = 7});
    }
    std::vector<Source> sources;
    sources.emplace_back(detail::BackendPointer(backend));
    ASSERT_EQ(sources.front().stats().dropped_ring, 0U);
    workers_.push_back(CaptureWorker::create(commons_, std::move(sources), std::nullopt).value());
  }
  static std::vector<std::byte> without_tag(const PacketView& packet) {
    std::vector<std::byte> frame(packet.bytes().begin(), packet.bytes().end());
    if (frame[12] == std::byte{0x81}) frame.erase(frame.begin() + 12, frame.begin() + 16);
    return frame;
  }

  void start() {
    std::vector<const Source*> sources;
    for (const auto& worker : workers_) sources.push_back(&worker->sources().front());
    recorder_ = SharedRecorder::create(commons_, recording_, sources, workers_.size()).value();
    recorder_->start();
    for (std::size_t lane = 0; lane < workers_.size(); ++lane) {
      workers_[lane]->write_to(*recorder_, lane, static_cast<std::uint16_t>(lane));
      workers_[lane]->start(std::nullopt);
    }
  }
  void join() {
    for (const auto& worker : workers_) worker->join();
    recorder_->join();
    EXPECT_TRUE(recorder_->has_ended());
    EXPECT_EQ(delivered(), recorder_->written().written_packets + recorder_->written().dropped_writer);
  }
  void run() {
    start();
    for (const auto& worker : workers_) worker->stop();
    join();
  }

  std::uint64_t delivered() const {
    std::uint64_t packets = 0;
    for (const auto& worker : workers_) packets += worker->sources().front().stats().delivered;
    return packets;
  }
  std::uint64_t unread() const {
    std::uint64_t packets = 0;
    for (const auto& worker : workers_) packets += worker->sources().front().stats().unread;
    return packets;
  }

  template <typename OnPacket>
  void read_file(OnPacket&& on_packet) const {
    auto file = ringtail::open("file:" + recording_.path).value();
    for (;;) {
      auto [status, batch] = file.receive(1s);
      if (status == ReceiveStatus::end_of_stream) break;
      for (const PacketView packet : batch) on_packet(packet);
    }
    interfaces_in_file_ = file.interface_count();
    EXPECT_EQ(file.failure(), nullptr);
  }

  /// The numbers in the file, in their order.
  std::vector<std::uint64_t> numbers() const {
    std::vector<std::uint64_t> found;
    read_file([&](const PacketView& packet) {
      std::uint64_t number = 0;
      for (std::size_t at = 14; at < 22; ++at)
        number = number << 8 | std::to_integer<std::uint64_t>(packet.bytes()[at]);
      found.push_back(number);
    });
    return found;
  }

  std::filesystem::path directory_;
  RecorderOptions recording_;
  CaptureCommons commons_{
      .budget = PacketBudget(std::nullopt), .bell = base::WakeEvent::create(), .longest_wait = 20ms};
  std::vector<std::unique_ptr<CaptureWorker>> workers_;
  std::unique_ptr<SharedRecorder> recorder_;
  mutable std::uint16_t interfaces_in_file_ = 0;
};

TEST_F(SharedRecorderTest, EverythingOfAllWorkersIsInTheFileOnceAndEachOnesInOrder) {
  constexpr std::uint64_t each = 20'000;
  for (std::uint64_t worker = 0; worker < 4; ++worker) add_worker(worker * each, each);
  run();
  EXPECT_EQ(recorder_->failure(), std::nullopt);
  EXPECT_EQ(recorder_->written().written_packets, 4 * each);
  std::map<std::uint64_t, std::uint64_t> next;
  for (const std::uint64_t number : numbers()) {
    auto [expected, is_new] = next.try_emplace(number / each, number / each * each);
    ASSERT_EQ(expected->second++, number);
  }
  ASSERT_EQ(next.size(), 4U);
  for (const auto& [worker, end] : next) EXPECT_EQ(end, (worker + 1) * each);
  EXPECT_EQ(interfaces_in_file_, 1U) << "the rings of one interface are one interface";
}

// The writer turns the front of a block into file bytes while the worker still reads what the kernel wrote behind it.
TEST_F(SharedRecorderTest, RingBlocksBecomeTheFileWhileTheyAreStillBeingRead) {
  constexpr std::uint64_t each = 12'000;
  for (const Layout layout : {Layout::dilate, Layout::compact}) {
    recording_.layout = layout;
    workers_.clear();
    for (std::uint64_t worker = 0; worker < 2; ++worker) add_ring(worker * each, each);
    run();
    EXPECT_EQ(recorder_->written().written_packets, 2 * each);
    EXPECT_GT(recorder_->written().dilated_chunks + recorder_->written().compacted_chunks, 10U);
    std::vector<std::uint64_t> seen(2 * each);
    read_file([&](const PacketView& packet) {
      const fixture::NumberedFrame frame = fixture::read_numbered_frame(without_tag(packet));
      ASSERT_TRUE(frame.intact);
      ++seen.at(frame.number);
    });
    EXPECT_THAT(seen, testing::Each(1U));
    recorder_.reset();
  }
}

TEST_F(SharedRecorderTest, TheRecordersLimitEndsAllWorkersAndTheRestIsUnread) {
  recording_.stop_after_file_bytes = 100'000;
  for (std::uint64_t worker = 0; worker < 3; ++worker) add_worker(0, 5'000);
  start();  // and nobody stops them
  join();
  EXPECT_EQ(recorder_->failure(), std::nullopt);
  EXPECT_EQ(recorder_->written().dropped_writer, 0U);
  EXPECT_GE(recorder_->written().written_bytes, 100'000U);
  EXPECT_EQ(delivered() + unread(), 15'000U);
  EXPECT_EQ(numbers().size(), delivered());
  for (const auto& worker : workers_) EXPECT_EQ(worker->end(), WorkerEnd::limit);
}

TEST_F(SharedRecorderTest, AFailureOfTheOutputEndsAllWorkersAndIsTold) {
  recording_.rotation.file_packets = 1'000;
  for (std::uint64_t worker = 0; worker < 2; ++worker) add_worker(0, 5'000);
  std::filesystem::create_directory(directory_ / "gone");
  recording_.path = (directory_ / "gone/out.pcapng").string();
  std::vector<const Source*> sources;
  for (const auto& worker : workers_) sources.push_back(&worker->sources().front());
  recorder_ = SharedRecorder::create(commons_, recording_, sources, workers_.size()).value();
  std::filesystem::remove_all(directory_ / "gone");
  recorder_->start();
  for (std::size_t lane = 0; lane < workers_.size(); ++lane) {
    workers_[lane]->write_to(*recorder_, lane, static_cast<std::uint16_t>(lane));
    workers_[lane]->start(std::nullopt);
  }
  join();
  ASSERT_NE(recorder_->failure(), std::nullopt);
  EXPECT_EQ(recorder_->failure()->error_number, ENOENT);
  EXPECT_EQ(recorder_->written().written_packets, 1'000U);
}

}  // namespace
}  // namespace ringtail::tools
