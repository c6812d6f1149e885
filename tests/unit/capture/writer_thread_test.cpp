#include "writer_thread.hpp"

#include <gtest/gtest.h>
#include <random>
#include <thread>

#include <ringtail/source.hpp>

#include "fixture/memory_backend.hpp"

namespace ringtail::daemon {
namespace {

using namespace std::chrono_literals;

/// A worker's side of it. There is no output, so all that is written is counted as dropped by the writer.
class WriterThreadTest : public testing::Test {
 protected:
  WriterThreadTest() { writer_.start(); }
  ~WriterThreadTest() override {
    if (!has_finished_) (void)finish();
  }

  std::unique_ptr<Order> finish() {
    has_finished_ = true;
    writer_.hand_pen_over();
    return tell({.kind = Order::Kind::finish});
  }
  std::unique_ptr<Order> tell(Order order) {
    writer_.send(std::make_unique<Order>(std::move(order)));
    for (;;) {
      if (auto answer = answers_.take()) return answer;
      std::this_thread::sleep_for(1ms);
    }
  }
  /// One packet, the way a worker passes it on.
  void write_one() {
    backend_->push(test::make_numbered_packet(0, 60));
    Batch batch = source_.receive(10s).batch;
    if (writer_.has_worker_the_pen()) return writing_.write(0, writer_.meter(0, std::move(batch)));
    while (!writer_.write(0, batch)) writer_.wait_for_room(10ms);
  }
  /// Asks for the pen until it comes.
  void wait_for_pen() {
    for (writer_.take_pen(); !writer_.has_worker_the_pen(); writer_.take_pen()) std::this_thread::sleep_for(1ms);
  }
  std::uint64_t written() {
    writing_.publish();
    return writing_.figures().recorded.dropped_writer;
  }

  const base::WakeEvent bell_ = base::WakeEvent::create();
  test::MemoryBackend* backend_ = test::MemoryBackend::create();
  Source source_ = test::make_source(backend_);
  ring::Mailbox<Order> answers_;
  Writing writing_{1, std::nullopt, bell_};
  WriterThread writer_{open_way_to_writer().value(), writing_, answers_, bell_, 1};
  bool has_finished_ = false;
};

TEST_F(WriterThreadTest, WritesOnlyWhileItHasThePen) {
  ASSERT_TRUE(writer_.has_worker_the_pen());
  write_one();
  EXPECT_EQ(written(), 1U) << "by the worker, at once";
  writer_.hand_pen_over();
  EXPECT_FALSE(writer_.has_worker_the_pen());
  for (int packet = 0; packet < 100; ++packet) write_one();
  wait_for_pen();
  EXPECT_EQ(written(), 101U) << "the pen comes back when all is written";
  EXPECT_EQ(backend_->lent(), 0U);
  write_one();
  EXPECT_EQ(written(), 102U);
}

TEST_F(WriterThreadTest, HasThePenForGoodWhenItIsNotWantedAnyMore) {
  writer_.hand_pen_over();
  for (int round = 0; round < 200; ++round) {
    writer_.take_pen();  // asked for; the writer may have offered it already
    if (round % 3 == 0) std::this_thread::sleep_for(100us);
    writer_.hand_pen_over();
    EXPECT_FALSE(writer_.has_worker_the_pen());
    write_one();
  }
  (void)finish();
  EXPECT_EQ(written(), 200U);
}

TEST_F(WriterThreadTest, ThePenChangesHandsAtAnyTimeAndNothingIsLost) {
  std::minstd_rand random(7);
  constexpr int packets = 20'000;
  for (int packet = 0; packet < packets; ++packet) {
    write_one();
    if (random() % 16 == 0) writer_.hand_pen_over();
    if (random() % 4 == 0) writer_.take_pen();
    if (random() % 1024 == 0) std::this_thread::sleep_for(1ms);
  }
  wait_for_pen();
  EXPECT_EQ(written(), static_cast<std::uint64_t>(packets));
  EXPECT_EQ(backend_->lent(), 0U);
}

}  // namespace
}  // namespace ringtail::daemon
