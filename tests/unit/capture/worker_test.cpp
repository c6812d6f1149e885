#include "worker.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include "fixture/memory_backend.hpp"

namespace ringtail::daemon {
namespace {

using namespace std::chrono_literals;
using test::make_numbered_packet;
using test::MemoryBackend;

/// A worker with one memory source, and a manager's manners.
class WorkerTest : public testing::Test {
 protected:
  WorkerTest() : bell_(base::WakeEvent::create()), worker_(1, bell_, std::nullopt) {
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

  base::WakeEvent bell_;
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
  EXPECT_EQ(figures.dropped_writer, 10U);
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
  EXPECT_EQ(worker_.figures().dropped_writer, 5U);
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
  EXPECT_EQ(worker_.figures().written_packets, 6U);
  EXPECT_EQ(worker_.figures().dropped_writer, 2U);
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

}  // namespace
}  // namespace ringtail::daemon
