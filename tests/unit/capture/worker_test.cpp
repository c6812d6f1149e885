#include "worker.hpp"

#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <ringtail/source.hpp>

#include "fixture/memory_backend.hpp"

namespace ringtail::daemon {
namespace {

using namespace std::chrono_literals;
using test::make_numbered_packet;
using test::MemoryBackend;

/// A worker with one memory source, and a manager's manners.
class WorkerTest : public testing::Test {
 protected:
  explicit WorkerTest(WorkerDuty duty = {}) : worker_(1, bell_, std::nullopt, std::move(duty)) {
    source_ = make_slot();
    worker_.start();
  }
  explicit WorkerTest(std::unique_ptr<FlightRecorder> (*make_flight)(const base::WakeEvent&))
      : worker_(1, bell_, std::nullopt, {.flight = make_flight(bell_)}) {
    source_ = make_slot();
    worker_.start();
  }
  ~WorkerTest() override {
    if (!finished_) finish();
  }

  Slots make_slot() {
    backend_ = MemoryBackend::create();
    return {std::make_shared<Source>(test::make_source(backend_))};
  }
  std::unique_ptr<Order> tell(Order order) {
    auto letter = std::make_unique<Order>(std::move(order));
    EXPECT_TRUE(worker_.order(letter));
    for (;;) {
      if (auto answer = worker_.answer()) return answer;
      std::this_thread::sleep_for(1ms);
    }
  }
  std::unique_ptr<Order> finish() {
    finished_ = true;
    backend_->end();
    return tell({.kind = Order::Kind::finish});
  }
  void push(int packets) const {
    for (int packet = 0; packet < packets; ++packet) backend_->push(make_numbered_packet(0, 60));
  }
  void wait_for_delivered(std::uint64_t packets) const {
    while (worker_.figures().slots[0].stats.delivered < packets) std::this_thread::sleep_for(1ms);
  }

  base::WakeEvent bell_ = base::WakeEvent::create();
  MemoryBackend* backend_ = nullptr;
  Slots source_;
  Worker worker_;
  bool finished_ = false;
};

TEST_F(WorkerTest, CountsWhatHasNoOutput) {
  (void)tell({.kind = Order::Kind::install, .slots = source_});
  push(10);
  (void)finish();
  const WorkerFigures figures = worker_.figures();
  EXPECT_EQ(figures.slots[0].stats.delivered, 10U);
  EXPECT_EQ(figures.recorded.dropped_writer, 10U);
}

TEST_F(WorkerTest, RemembersHowMuchHasWaitedInARing) {
  push(10);
  (void)tell({.kind = Order::Kind::install, .slots = source_});  // figures are shown with the answer
  wait_for_delivered(10);
  backend_->end();
  (void)tell({.kind = Order::Kind::install, .slots = make_slot()});
  (void)finish();
  EXPECT_EQ(worker_.figures().slots[0].stats.unread, 0U);
  EXPECT_EQ(worker_.figures().slots[0].most_unread, 10U);
}

TEST_F(WorkerTest, WhenItCannotWaitForPacketsItSaysSoAndTriesAgain) {
  const base::FileDescriptor directory(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  backend_->set_pollable_descriptor(directory.get());  // epoll takes none: EPERM
  (void)tell({.kind = Order::Kind::install, .slots = source_});
  EXPECT_TRUE(worker_.figures().is_blind);
  backend_->set_pollable_descriptor(-1);
  push(10);
  wait_for_delivered(10);
  (void)finish();
  EXPECT_FALSE(worker_.figures().is_blind);
}

TEST_F(WorkerTest, DiscardsWhilePaused) {
  (void)tell({.kind = Order::Kind::install, .slots = source_});
  (void)tell({.kind = Order::Kind::pause});
  push(7);
  wait_for_delivered(7);
  EXPECT_TRUE(worker_.figures().is_paused);
  (void)tell({.kind = Order::Kind::resume});
  push(5);
  (void)finish();
  EXPECT_EQ(worker_.figures().discarded_paused, 7U);
  EXPECT_EQ(worker_.figures().recorded.dropped_writer, 5U);
}

TEST_F(WorkerTest, KeepsCountingWhenSourcesAreExchanged) {
  (void)tell({.kind = Order::Kind::install, .slots = source_});
  push(3);
  backend_->end();
  while (!worker_.figures().slots[0].has_ended) std::this_thread::sleep_for(1ms);
  const Slots next = make_slot();
  const auto answer = tell({.kind = Order::Kind::install, .slots = next});
  EXPECT_EQ(answer->slots, source_) << "the manager gets the old ones back";
  EXPECT_FALSE(worker_.figures().slots[0].has_ended);
  push(4);
  (void)finish();
  EXPECT_EQ(worker_.figures().slots[0].stats.delivered, 7U);
}

TEST_F(WorkerTest, GivesTheOldOutputBackUnfinished) {
  std::string path = testing::TempDir() + "ringtail-worker-XXXXXX";
  const int descriptor = ::mkstemp(path.data());
  ASSERT_GE(descriptor, 0);
  ::close(descriptor);
  auto output = Output::open(source_, {.path = path}).value();
  (void)tell({.kind = Order::Kind::install, .slots = source_, .output = std::move(output)});
  push(6);
  wait_for_delivered(6);
  auto answer = tell({.kind = Order::Kind::install, .slots = source_});
  ASSERT_NE(answer->output, nullptr);
  EXPECT_EQ(answer->counted_as.written_packets, 6U);
  EXPECT_TRUE(answer->output->recorder.finish().has_value());
  push(2);
  (void)finish();
  EXPECT_EQ(worker_.figures().recorded.written_packets, 6U);
  EXPECT_EQ(worker_.figures().recorded.dropped_writer, 2U);
  ::unlink(path.c_str());
}

TEST_F(WorkerTest, RingsTheBellWhenASourceEnds) {
  (void)tell({.kind = Order::Kind::install, .slots = source_});
  pollfd readable{.fd = bell_.descriptor(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&readable, 1, 10'000), 1);  // for the answer
  bell_.drain();
  backend_->end();
  EXPECT_EQ(::poll(&readable, 1, 10'000), 1);
  EXPECT_TRUE(worker_.figures().slots[0].has_ended);
}

// Each side shows its figures when it likes; neither may make packets appear or vanish.
TEST(WorkerFigures, AddUpWhicheverSideWasSeenLater) {
  for (const std::uint64_t handed_over : {0U, 90U, 100U, 5'000U}) {
    WritingFigures writing;
    writing.recorded.written_packets = 60;
    writing.recorded.dropped_writer = 40;
    const WorkerFigures figures =
        WorkerFigures::of({.handed_over_packets = handed_over, .dropped_packets = 7}, writing);
    EXPECT_EQ(figures.recorded.written_packets + figures.recorded.dropped_writer, handed_over + 7);
    EXPECT_EQ(figures.waiting_packets, handed_over > 100 ? handed_over - 100 : 0);
    EXPECT_GE(figures.recorded.dropped_writer, 7U);
  }
}

// ---- With a writer's thread ----------------------------------------------------------------------------------------

/// A pipe that a recorder writes into, and that nobody reads before it is told to: a disk that stands still.
class StandingDisk {
 public:
  StandingDisk() : path_(testing::TempDir() + "ringtail-fifo-" + std::to_string(::getpid())) {
    ::unlink(path_.c_str());
    EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    reader_ = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  }
  ~StandingDisk() {
    go();
    is_over_ = true;
    thread_.join();
    ::close(reader_);
    ::unlink(path_.c_str());
  }
  StandingDisk(const StandingDisk&) = delete;
  StandingDisk& operator=(const StandingDisk&) = delete;

  void go() {
    if (thread_.joinable()) return;
    thread_ = std::thread([this] {
      char bytes[65536];
      while (!is_over_) {
        if (::read(reader_, bytes, sizeof bytes) <= 0) std::this_thread::sleep_for(1ms);
      }
    });
  }
  [[nodiscard]] RecorderOptions options() const { return {.path = path_, .flush_interval = 1ms}; }

 private:
  const std::string path_;
  int reader_ = -1;
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

class WriterWorkerTest : public WorkerTest {
 protected:
  WriterWorkerTest() : WorkerTest({.way_to_writer = open_way_to_writer().value(), .writes_apart = true}) {}
};

TEST_F(WriterWorkerTest, WhatCameBeforeARotationIsInTheFileBeforeIt) {
  std::string directory = testing::TempDir() + "ringtail-worker-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  auto output = Output::open(source_, {.path = directory + "/out.pcapng", .rotation = {.duration = 1h}}).value();
  (void)tell({.kind = Order::Kind::install, .slots = source_, .output = std::move(output)});
  std::uint64_t sum = 0;
  for (const int packets : {500, 300, 700}) {
    push(packets);
    wait_for_delivered(sum += static_cast<std::uint64_t>(packets));
    (void)tell({.kind = Order::Kind::rotate});
  }
  const auto answer = finish();
  ASSERT_TRUE(answer->output->recorder.finish().has_value());
  std::vector<std::uint64_t> found;
  for (const std::string& file : answer->output->recorder.stats().files) {
    Source source = ringtail::open("file:" + file).value();
    while (source.receive(1s).status != ReceiveStatus::end_of_stream) continue;
    found.push_back(source.stats().delivered);
  }
  EXPECT_EQ(found, (std::vector<std::uint64_t>{500, 300, 700, 0}));
  EXPECT_EQ(worker_.figures().recorded.written_packets, 1'500U);
  std::filesystem::remove_all(directory);
}

TEST_F(WriterWorkerTest, AWriterThatStandsStillKeepsNobodyWaiting) {
  StandingDisk disk;
  auto output = Output::open(source_, disk.options()).value();
  (void)tell({.kind = Order::Kind::install, .slots = source_, .output = std::move(output)});
  for (int round = 0; round < 20; ++round) {
    push(500);
    wait_for_delivered(static_cast<std::uint64_t>(round + 1) * 500);  // four times what the pipe holds, in the end
    const WorkerFigures figures = worker_.figures();
    EXPECT_EQ(figures.slots[0].stats.delivered, figures.recorded.written_packets);
    EXPECT_LE(figures.waiting_packets, figures.recorded.written_packets);
  }
  auto rotation = std::make_unique<Order>(Order{.kind = Order::Kind::note});
  ASSERT_TRUE(worker_.order(rotation));
  push(5);
  wait_for_delivered(10'005);
  EXPECT_EQ(worker_.answer(), nullptr) << "it is done when the writer has done it";
  disk.go();
  while (worker_.answer() == nullptr) std::this_thread::sleep_for(1ms);
  const auto answer = finish();
  EXPECT_TRUE(answer->output->recorder.finish().has_value());
  EXPECT_EQ(worker_.figures().recorded.written_packets, 10'005U);
  EXPECT_EQ(worker_.figures().recorded.dropped_writer, 0U);
  EXPECT_EQ(worker_.figures().waiting_packets, 0U);
  EXPECT_EQ(backend_->lent(), 0U);
}

TEST_F(WriterWorkerTest, CountsWhatHasNoOutput) {
  (void)tell({.kind = Order::Kind::install, .slots = source_});
  push(10);
  (void)finish();
  EXPECT_EQ(worker_.figures().recorded.dropped_writer, 10U);
}

TEST_F(WriterWorkerTest, EndsWithoutAnOrder) {
  (void)tell({.kind = Order::Kind::install, .slots = source_});
  push(10);
  finished_ = true;  // the destructor has to do
}

// ---- With a flight recorder ----------------------------------------------------------------------------------------

/// A packet with the number 7 brings a dump.
std::unique_ptr<FlightRecorder> make_flight(const base::WakeEvent& bell) {
  const FlightLimits limits{.age = 1h, .blocks = 6, .batches = 24, .retire_timeout = 1ms};
  auto trigger = std::make_shared<const FlightTrigger>(FlightTrigger::compile("ether[21] = 7").value());
  return std::make_unique<FlightRecorder>(1, limits, std::move(trigger), bell);
}

class FlightWorkerTest : public WorkerTest {
 protected:
  FlightWorkerTest() : WorkerTest(make_flight) { (void)tell({.kind = Order::Kind::install, .slots = source_}); }

  std::unique_ptr<Order> dump(std::uint64_t since_ns = 0) {
    DumpWish wish{.since_ns = since_ns, .until_ns = UINT64_MAX, .asked_at = std::chrono::steady_clock::now()};
    return tell({.kind = Order::Kind::dump, .wish = wish});
  }
  static std::uint64_t packets_in(const Order& answer) {
    std::uint64_t packets = 0;
    for (const HeldBatch& held : answer.held) packets += held.batch.size();
    return packets;
  }
};

TEST_F(FlightWorkerTest, HandsOverWhatItHolds) {
  push(10);
  wait_for_delivered(10);
  auto answer = dump();
  EXPECT_EQ(packets_in(*answer), 10U);
  EXPECT_EQ(answer->slots, source_) << "who writes them must know the sources";
  EXPECT_EQ(worker_.figures().held_packets, 0U);
  push(5);
  wait_for_delivered(15);
  EXPECT_EQ(packets_in(*dump()), 5U) << "a packet is in one dump";
  EXPECT_EQ(packets_in(*dump()), 0U);
}

TEST_F(FlightWorkerTest, WaitsForPacketsOnTheirWay) {
  auto letter = std::make_unique<Order>(Order{.kind = Order::Kind::dump});
  letter->wish.until_ns = 50;
  letter->wish.asked_at = std::chrono::steady_clock::now() + 1h;  // the retire timer has not run
  ASSERT_TRUE(worker_.order(letter));
  std::uint64_t packets = 0;
  for (const std::uint64_t time : {10U, 20U, 50U}) {
    EXPECT_EQ(worker_.answer(), nullptr);
    test::MemoryPacket packet = make_numbered_packet(0, 60);
    packet.timestamp_ns = time;
    backend_->push(std::move(packet));
    wait_for_delivered(++packets);
  }
  std::unique_ptr<Order> answer;
  while (answer == nullptr) answer = worker_.answer();
  EXPECT_EQ(packets_in(*answer), packets);
}

TEST_F(FlightWorkerTest, WhatNobodyWantedIsInTheBooks) {
  push(10);
  wait_for_delivered(10);
  (void)dump(UINT64_MAX);  // nothing is that new
  EXPECT_EQ(worker_.figures().held_packets, 10U);
  (void)finish();
  EXPECT_EQ(worker_.figures().held_packets, 0U);
  EXPECT_EQ(worker_.figures().expired_packets, 10U);
  EXPECT_EQ(worker_.figures().recorded.dropped_writer, 0U);
  EXPECT_EQ(backend_->lent(), 0U);
}

TEST_F(FlightWorkerTest, ItsTriggerFiresOnceUntilItIsArmedAgain) {
  push(100);
  wait_for_delivered(100);
  EXPECT_FALSE(worker_.flight()->has_fired());
  bell_.drain();
  backend_->push(make_numbered_packet(7, 60));
  pollfd readable{.fd = bell_.descriptor(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&readable, 1, 10'000), 1);
  EXPECT_TRUE(worker_.flight()->has_fired());
  worker_.flight()->rearm();
  push(1);
  wait_for_delivered(102);
  EXPECT_FALSE(worker_.flight()->has_fired());
}

TEST(FlightTrigger, SaysWhatIsWrong) {
  EXPECT_FALSE(FlightTrigger::compile("tcp prot 80").has_value());
  EXPECT_TRUE(FlightTrigger::compile("ether host 1:2:3:4:5:6").has_value()) << "makes no sense on raw IP alone";
}

}  // namespace
}  // namespace ringtail::daemon
