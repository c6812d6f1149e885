// The daemon's lender between workers, clients and a supervisor.
#include "lender.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture/fake_backend.hpp"
#include "fixture/memory_backend.hpp"
#include "fixture/numbered_frames.hpp"
#include "share/message.hpp"
#include "worker.hpp"

namespace ringtail::daemon {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::SizeIs;

constexpr auto patience = 10s;  // a bound, not an expectation

template <typename Condition>
void wait_until(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    std::this_thread::sleep_for(1ms);
  }
}

class LenderTest : public testing::Test {
 protected:
  void SetUp() override {
    auto lender = Lender::open("test", {.memory_mib = 8}, 1);
    ASSERT_TRUE(lender.has_value()) << lender.error().message();
    lender_ = std::move(*lender);
    lender_->start();
  }

  /// As the supervisor does it; the client's greeting is answered meanwhile.
  Result<share::Greeting> attach(const control::Peer& peer) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    lender_->welcome(base::FileDescriptor(ends[0]), peer);
    client_ = base::FileDescriptor(ends[1]);
    return share::greet(client_.get(), {}, "attach");
  }

  base::FileDescriptor client_;
  std::unique_ptr<Lender> lender_;
};

TEST_F(LenderTest, LendsWhatAWorkerReceivesAndMissesNoOutput) {
  ASSERT_TRUE(attach({.pid = ::getpid(), .uid = 0}).has_value());
  wait_until([&] { return lender_->has_clients(); });  // it is greeted a moment before the workers know
  const base::WakeEvent bell = base::WakeEvent::create();
  Worker worker(1, bell, std::nullopt, {.writes_files = false, .lending = LendingDesk(*lender_, 0, 1)});
  worker.start();
  test::MemoryBackend* backend = test::MemoryBackend::create();
  const auto tell = [&](Order order) {
    auto letter = std::make_unique<Order>(std::move(order));
    ASSERT_TRUE(worker.order(letter));
    wait_until([&] { return worker.answer() != nullptr; });
  };
  tell({.kind = Order::Kind::install, .slots = {std::make_shared<Source>(test::make_source(backend))}});
  for (int packet = 0; packet < 10; ++packet) backend->push(test::make_numbered_packet(0, 60));
  wait_until([&] { return lender_->status().lent_packets == 10; });
  backend->end();
  tell({.kind = Order::Kind::finish});
  EXPECT_EQ(worker.figures().recorded.dropped_writer, 0U);
  const control::ShareStatus status = lender_->status();
  ASSERT_THAT(status.clients, SizeIs(1));
  EXPECT_EQ(status.clients[0].pid, ::getpid());
  EXPECT_EQ(status.clients[0].lent_packets, 10U);
  EXPECT_THAT(status.clients[0].name, HasSubstr("capture_test"));
  lender_->end();
  EXPECT_EQ(lender_->status().lent_packets, 10U) << "the sums outlive the clients";
  EXPECT_FALSE(lender_->has_clients());
}

TEST_F(LenderTest, WhileSomebodyReadsTheWriterHoldsHalfOfARing) {
  ASSERT_TRUE(attach({.pid = ::getpid(), .uid = 0}).has_value());
  wait_until([&] { return lender_->has_clients(); });
  const std::string path = testing::TempDir() + "ringtail-half-" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const base::FileDescriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const base::WakeEvent bell = base::WakeEvent::create();
  auto worker = std::make_unique<Worker>(
      1, bell, std::nullopt,
      WorkerDuty{.lending = LendingDesk(*lender_, 0, 1), .way_to_writer = open_way_to_writer().value()});
  worker->start();
  auto* backend = new fixture::FakeBackend(fixture::small_geometry(8));
  const auto source = std::make_shared<Source>(detail::BackendPointer(backend));
  constexpr std::uint64_t packets_per_block = 200;  // of 8 blocks with room for more
  for (int block = 0; block < 8; ++block) {
    for (std::uint64_t packet = 0; packet < packets_per_block; ++packet) {
      backend->kernel().deliver({.bytes = fixture::make_numbered_frame(packet, 1000), .interface_index = 1});
    }
    backend->kernel().retire_timer();
  }
  auto order = std::make_unique<Order>(Order{.kind = Order::Kind::install, .slots = {source}});
  order->output = Output::open(order->slots, {.path = path, .layout = Layout::dilate}).value();
  ASSERT_TRUE(worker->order(order));
  wait_until([&] { return worker->answer() != nullptr; });
  // The pipe has room for a third of a block, and nobody reads it.
  wait_until([&] { return worker->figures().slots[0].stats.delivered == 8 * packets_per_block; });
  EXPECT_EQ(lender_->status().lent_packets + lender_->status().skipped_packets, 8 * packets_per_block);
  EXPECT_EQ(worker->figures().recorded.dropped_writer, 4 * packets_per_block);
  EXPECT_EQ(worker->figures().recorded.written_packets, 4 * packets_per_block);
  std::atomic<bool> is_over{false};
  std::thread disk([&] {
    char bytes[65536];
    while (!is_over) {
      if (::read(reader.get(), bytes, sizeof bytes) <= 0) std::this_thread::sleep_for(1ms);
    }
  });
  source->stop();
  order = std::make_unique<Order>(Order{.kind = Order::Kind::finish});
  ASSERT_TRUE(worker->order(order));
  std::unique_ptr<Order> answer;
  wait_until([&] { return (answer = worker->answer()) != nullptr; });
  EXPECT_TRUE(answer->output->recorder.finish().has_value());
  EXPECT_EQ(answer->output->recorder.stats().written_packets, 4 * packets_per_block);
  is_over = true;
  disk.join();
  ::unlink(path.c_str());
}

TEST_F(LenderTest, WhoMayAttachIsDecidedByUserAndGroups) {
  constexpr uid_t stranger = 4711;
  const control::Peer peer{.pid = ::getpid(), .uid = stranger, .gid = stranger, .groups = {17}};
  const auto refused = attach(peer);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message(), HasSubstr("this user may not attach"));
  lender_->admit_others({.users = {stranger}});
  EXPECT_TRUE(attach(peer).has_value());
  lender_->admit_others({.groups = {17}});
  EXPECT_TRUE(attach(peer).has_value());
  lender_->admit_others({.ring_users = {stranger}});
  EXPECT_TRUE(attach(peer).has_value());
  lender_->admit_others({.ring_groups = {17}});
  EXPECT_TRUE(attach(peer).has_value());
  lender_->admit_others({});
  EXPECT_FALSE(attach(peer).has_value());
  EXPECT_EQ(lender_->status().refused, 2U);
}

}  // namespace
}  // namespace ringtail::daemon
