// Batches of a device that always has packets (net_null): lent, held, released anywhere, all mbufs accounted for.
#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <thread>

#include "base/sanitizer.hpp"
#include "dpdk_fixture.hpp"

namespace ringtail::dpdk {
namespace {

TEST(Lending, PacketsAreCountedOnce) {
  Source source = open_source("dpdk:net_null0,size=100");
  const auto [status, batch] = source.receive(1s);
  ASSERT_EQ(status, ReceiveStatus::packets);
  EXPECT_EQ(batch.size(), 64U);
  for (const PacketView packet : batch) {
    EXPECT_EQ(packet.captured_length(), 100U);
    EXPECT_EQ(packet.wire_length(), 100U);
  }
  const Stats stats = source.stats();
  EXPECT_EQ(stats.received, 64U);
  EXPECT_EQ(stats.delivered, 64U);
  EXPECT_EQ(stats.delivered_bytes, 6400U);
  EXPECT_EQ(source.backend(), "dpdk");
  EXPECT_EQ(source.name(), "dpdk:net_null0,size=100");
  EXPECT_EQ(source.interface(0).name, "net_null0");
  EXPECT_EQ(source.interface(0).hardware, "net_null");
}

TEST(Lending, TimeStampsAreTheWallClocks) {
  const auto wall_ns = [] {
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count());
  };
  Source source = open_source("dpdk:net_null0");
  constexpr std::uint64_t tolerance_ns =
      1'000'000;  // the model is microseconds off; a stopped machine is not our error
  const std::uint64_t before_ns = wall_ns();
  const Received received = source.receive(1s);
  ASSERT_EQ(received.status, ReceiveStatus::packets);
  EXPECT_GE(received.batch[0].timestamp_ns(), before_ns - tolerance_ns);
  EXPECT_LE(received.batch[0].timestamp_ns(), wall_ns() + tolerance_ns);
}

TEST(Lending, SnaplenCutsWhatIsCaptured) {
  OpenOptions options = small_options();
  options.snaplen = 40;
  Source source = open_source("dpdk:net_null0,size=1000", options);
  const Received received = source.receive(1s);
  ASSERT_EQ(received.status, ReceiveStatus::packets);
  EXPECT_EQ(received.batch[0].captured_length(), 40U);
  EXPECT_EQ(received.batch[0].wire_length(), 1000U);
  EXPECT_EQ(source.stats().truncated, 0U);
}

TEST(Lending, AStopEndsTheStreamThoughTheDeviceNeverRunsDry) {
  Source source = open_source("dpdk:net_null0");
  source.stop();
  std::uint64_t packets = 0;
  for (;;) {
    const Received received = source.receive(1s);
    if (received.status == ReceiveStatus::end_of_stream) break;
    ASSERT_EQ(received.status, ReceiveStatus::packets);
    packets += received.batch.size();
  }
  EXPECT_EQ(source.failure(), nullptr);
  EXPECT_EQ(source.receive(1s).status, ReceiveStatus::end_of_stream);
  const Stats stats = source.stats();
  EXPECT_EQ(stats.received, packets);
  EXPECT_EQ(stats.delivered + stats.dropped_ring + stats.unread, stats.received);
}

TEST(Lending, PacketsCutOffABatchAreUnread) {
  Source source = open_source("dpdk:net_null0");
  {
    Received received = source.receive(1s);
    ASSERT_GT(received.batch.size(), 10U);
    received.batch.keep_first(10);
  }
  const Stats stats = source.stats();
  EXPECT_EQ(stats.delivered, 10U);
  EXPECT_EQ(stats.unread, stats.received - 10);
  (void)source.receive(1s);
  source.stop();
  EXPECT_EQ(counters_of(source)["mbufs_in_use"], 64U) << "the batch of this moment, and nothing of the one before";
}

TEST(Lending, WhenAllIsLentThereIsNoCreditUntilSomethingComesBack) {
  Source source = open_source("dpdk:net_null0");
  std::vector<Batch> held;
  for (;;) {
    Received received = source.receive(0s);
    if (received.status == ReceiveStatus::no_credit) break;
    ASSERT_EQ(received.status, ReceiveStatus::packets);
    held.push_back(std::move(received.batch));
  }
  EXPECT_EQ(source.receive(1ms).status, ReceiveStatus::no_credit);
  std::uint64_t packets = 0;
  for (const Batch& batch : held) packets += batch.size();
  EXPECT_EQ(counters_of(source)["mbufs_in_use"], packets);
  EXPECT_LT(packets, counters_of(source)["mbufs"]) << "the device keeps some";

  held.erase(held.begin());
  EXPECT_EQ(source.receive(1s).status, ReceiveStatus::packets);
}

TEST(Lending, BatchesComeBackInAnyOrderOnThreadsThatDpdkHasNeverSeen) {
  Source source = open_source("dpdk:net_null0");
  std::mt19937 random(4);
  for (int round = 0; round < 20; ++round) {
    std::vector<Batch> held = receive_batches(source, 3000);
    std::shuffle(held.begin(), held.end(), random);
    std::vector<std::thread> threads;
    for (std::size_t share = 0; share < 3; ++share) {
      threads.emplace_back([&held, share] {
        for (std::size_t index = share; index < held.size(); index += 3) held[index].reset();
      });
    }
    // Meanwhile the source goes on.
    for (int more = 0; more < 50; ++more) (void)source.receive(0s);
    for (std::thread& thread : threads) thread.join();
  }
  (void)source.receive(0s);  // takes back what the threads have released
  EXPECT_LE(counters_of(source)["mbufs_in_use"], 64U);
}

TEST(Lending, ReceivingMayMoveToAnotherThread) {
  Source source = open_source("dpdk:net_null0");
  for (int turn = 0; turn < 5; ++turn) {
    std::thread([&source] {
      for (int receives = 0; receives < 100; ++receives) {
        EXPECT_EQ(source.receive(1s).status, ReceiveStatus::packets);
      }
    }).join();
  }
  const Stats stats = source.stats();
  EXPECT_EQ(stats.delivered, stats.received);
}

TEST(Lending, BatchesOutliveTheirSource) {
  std::vector<Batch> held;
  {
    Source source = open_source("dpdk:net_null0,size=200");
    held = receive_batches(source, 500);
  }
  for (const Batch& batch : held) {
    for (const PacketView packet : batch) EXPECT_EQ(packet.bytes().size(), 200U);
  }
  EXPECT_THAT(open_error("dpdk:net_null0"), testing::HasSubstr("another source of this process"))
      << "the device is given back with the last batch";
  std::thread([&held] { held.clear(); }).join();
  EXPECT_EQ(open_error("dpdk:net_null0"), "");
}

TEST(Lending, InterruptEndsAReceive) {
  Source source = open_source("dpdk:net_ring0");  // nobody sends
  std::thread other([&source] { source.interrupt(); });
  EXPECT_EQ(source.receive(-1ns).status, ReceiveStatus::interrupted);
  other.join();
  EXPECT_EQ(source.receive(1ms).status, ReceiveStatus::timeout);
}

constexpr int many_rounds = base::under_thread_sanitizer ? 50 : 1000;  // thirty times slower there

// Not net_null: its driver keeps one packet per queue for ever (22.11, drivers/net/null/rte_eth_null.c).
TEST(Lending, OpenedAndClosedManyTimesItLeavesNothing) {
  for (int warm_up = 0; warm_up < 2; ++warm_up) open_source("dpdk:net_ring0").stop();  // the driver keeps its rings
  const std::size_t baseline_bytes = heap_bytes();
  for (int round = 0; round < many_rounds; ++round) {
    Source source = open_source("dpdk:net_ring0");
    ASSERT_EQ(source.receive(0s).status, ReceiveStatus::timeout);
  }
  EXPECT_EQ(heap_bytes(), baseline_bytes);
}

}  // namespace
}  // namespace ringtail::dpdk
