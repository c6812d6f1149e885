// Ports with several queues, read by one source or by one each. The port is made of rings (net_ring), so the test
// decides what stands in which queue.
#include <cstring>
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_dev.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dpdk/eal.hpp"
#include "dpdk/mbuf_pool.hpp"
#include "dpdk_fixture.hpp"

namespace ringtail::dpdk {
namespace {

using testing::HasSubstr;

std::uint64_t lost = 0;  // by whatever device, in ierrors

class Queues : public testing::Test {
 protected:
  static constexpr std::uint16_t queues = 2;

  void SetUp() override {
    lost = 0;
    options_.dpdk.queues = queues;
    ASSERT_TRUE(start_eal(options_.dpdk, options_.buffer_bytes));
    pool_ = std::move(*create_mbuf_pool(512, 2048, SOCKET_ID_ANY));
    for (int index = 0; index < queues; ++index) {
      rings_[index] = rte_ring_create(("queue" + std::to_string(index)).c_str(), 1024, SOCKET_ID_ANY, 0);
      ASSERT_NE(rings_[index], nullptr);
    }
    port_ = rte_eth_from_rings("rt", rings_, queues, rings_, queues, 0);
    ASSERT_GE(port_, 0);
  }
  void TearDown() override {
    rte_eth_dev_info info = {};
    rte_eth_dev_info_get(static_cast<std::uint16_t>(port_), &info);
    rte_eth_dev_close(static_cast<std::uint16_t>(port_));
    rte_dev_remove(info.device);
    EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0U);
    for (rte_ring* ring : rings_) rte_ring_free(ring);
  }

  void send(int queue, std::uint8_t mark) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_.get());
    *rte_pktmbuf_append(mbuf, 60) = static_cast<char>(mark);
    ASSERT_EQ(rte_ring_enqueue(rings_[queue], mbuf), 0);
  }

  void send_in_two_pieces(std::uint32_t count) {
    constexpr std::uint16_t piece_bytes = 1000;
    for (std::uint32_t index = 0; index < count; ++index) {
      rte_mbuf* packet = rte_pktmbuf_alloc(pool_.get());
      rte_mbuf* rest = rte_pktmbuf_alloc(pool_.get());
      std::memset(rte_pktmbuf_append(packet, piece_bytes), 1, piece_bytes);
      std::memset(rte_pktmbuf_append(rest, piece_bytes), 2, piece_bytes);
      ASSERT_EQ(rte_pktmbuf_chain(packet, rest), 0);
      ASSERT_EQ(rte_ring_enqueue(rings_[0], packet), 0);
    }
  }

  OpenOptions options_ = small_options();
  MbufPool pool_;
  rte_ring* rings_[queues] = {};
  int port_ = -1;
};

TEST_F(Queues, OneSourceReadsThemAllInTurn) {
  Source source = open_source("dpdk:net_ring_rt", options_);
  for (int round = 0; round < 3; ++round) {
    send(0, 10);
    send(1, 11);
  }
  std::uint64_t seen[queues] = {};
  for (const Batch& batch : receive_batches(source, 6)) {
    for (const PacketView packet : batch) {
      ASSERT_LT(packet.queue(), queues);
      EXPECT_EQ(std::to_integer<int>(packet.bytes()[0]), 10 + packet.queue());
      ++seen[packet.queue()];
    }
  }
  EXPECT_EQ(seen[0], 3U);
  EXPECT_EQ(seen[1], 3U);
}

TEST_F(Queues, SourcesWithAQueueEachShareAPort) {
  options_.dpdk.queue = 0;
  Source first = open_source("dpdk:net_ring_rt", options_);
  EXPECT_THAT(open_error("dpdk:net_ring_rt", options_), HasSubstr("another source"));
  options_.dpdk.queue = 1;
  Source second = open_source("dpdk:net_ring_rt", options_);
  send(1, 11);
  EXPECT_EQ(first.receive(1ms).status, ReceiveStatus::timeout);
  const Received received = second.receive(1s);
  ASSERT_EQ(received.status, ReceiveStatus::packets);
  EXPECT_EQ(received.batch[0].queue(), 1);

  options_.dpdk.queue.reset();
  options_.dpdk.queues = 1;
  EXPECT_THAT(open_error("dpdk:net_ring_rt", options_), HasSubstr("open with 2 queues"));
}

TEST_F(Queues, AnotherSourceGoesOnWhenOneIsGone) {
  options_.dpdk.queue = 0;
  std::optional<Source> first = open_source("dpdk:net_ring_rt", options_);
  options_.dpdk.queue = 1;
  Source second = open_source("dpdk:net_ring_rt", options_);
  first.reset();
  send(1, 11);
  EXPECT_EQ(second.receive(1s).status, ReceiveStatus::packets);
}

// The reader of queue 0 tells what the device lost, for all.
TEST_F(Queues, ThePortsCountersAreThoseOfItsLastReader) {
  options_.dpdk.queue = 0;
  Source first = open_source("dpdk:net_ring_rt", options_);
  options_.dpdk.queue = 1;
  Source second = open_source("dpdk:net_ring_rt", options_);
  const auto ierrors = [&first] { return counters_of(first)["ierrors"]; };
  first.stop();
  EXPECT_EQ(first.receive(1s).status, ReceiveStatus::end_of_stream);
  ++lost;
  EXPECT_EQ(ierrors(), 1U) << "the other one still reads";
  second.stop();
  EXPECT_EQ(second.receive(1s).status, ReceiveStatus::end_of_stream);
  ++lost;
  EXPECT_EQ(ierrors(), 1U);
}

// Larger than an mbuf can be: what a device with LRO may put together, and a chain of mbufs carries.
TEST_F(Queues, APacketAbove64KibibytesIsCutAndCounted) {
  constexpr std::uint32_t pieces = 35;
  constexpr std::uint16_t piece_bytes = 2'000;
  Source source = open_source("dpdk:net_ring_rt", options_);
  rte_mbuf* packet = rte_pktmbuf_alloc(pool_.get());
  std::memset(rte_pktmbuf_append(packet, piece_bytes), 0, piece_bytes);
  for (std::uint32_t index = 1; index < pieces; ++index) {
    rte_mbuf* piece = rte_pktmbuf_alloc(pool_.get());
    std::memset(rte_pktmbuf_append(piece, piece_bytes), static_cast<int>(index), piece_bytes);
    ASSERT_EQ(rte_pktmbuf_chain(packet, piece), 0);
  }
  ASSERT_EQ(rte_ring_enqueue(rings_[0], packet), 0);
  const Received received = source.receive(1s);
  ASSERT_EQ(received.status, ReceiveStatus::packets);
  const PacketView cut = received.batch[0];
  EXPECT_EQ(cut.wire_length(), pieces * piece_bytes);
  ASSERT_EQ(cut.captured_length(), largest_data_bytes);
  EXPECT_NE(cut.flags() & packet_flags::truncated, 0U);
  for (std::uint32_t at = 0; at < cut.captured_length(); at += 100) {
    EXPECT_EQ(std::to_integer<std::uint32_t>(cut.bytes()[at]), at / piece_bytes) << at;
  }
  EXPECT_EQ(source.stats().truncated, 1U);
}

// More than there are large mbufs for.
TEST_F(Queues, PacketsThatWaitForOneOfTheLargeMbufsStillComeAfterAStop) {
  constexpr std::uint32_t count = 50;
  Source source = open_source("dpdk:net_ring_rt", options_);
  send_in_two_pieces(count);
  Batch held = source.receive(1s).batch;
  const std::uint64_t handed_out = source.stats().delivered;
  EXPECT_EQ(handed_out, least_large_mbufs);
  EXPECT_EQ(source.receive(1ms).status, ReceiveStatus::no_credit);
  EXPECT_EQ(source.stats().unread, count - handed_out);
  source.stop();
  EXPECT_EQ(source.receive(1ms).status, ReceiveStatus::no_credit);
  held.reset();
  const Received received = source.receive(1s);
  ASSERT_EQ(received.status, ReceiveStatus::packets);
  EXPECT_EQ(received.batch.size(), count - handed_out);
  for (const PacketView packet : received.batch) EXPECT_EQ(packet.captured_length(), 2000U);
  EXPECT_EQ(source.receive(1s).status, ReceiveStatus::end_of_stream);
}

TEST_F(Queues, PacketsThatWaitWhenASourceIsClosedAreGivenBack) {
  Source source = open_source("dpdk:net_ring_rt", options_);
  send_in_two_pieces(50);
  const Received received = source.receive(1s);
  EXPECT_EQ(received.batch.size(), least_large_mbufs);
  EXPECT_GT(rte_mempool_in_use_count(pool_.get()), 0U);  // and nothing in TearDown()
}

TEST_F(Queues, WhatStandsInTheRingAtAStopStillComes) {
  Source source = open_source("dpdk:net_ring_rt", options_);
  for (int count = 0; count < 200; ++count) send(count % 2, 1);
  source.stop();
  std::uint64_t packets = 0;
  for (;;) {
    const Received received = source.receive(1s);
    if (received.status == ReceiveStatus::end_of_stream) break;
    packets += received.batch.size();
  }
  EXPECT_EQ(packets, 200U);
}

}  // namespace
}  // namespace ringtail::dpdk

// Stands in front of DPDK's own: rings lose nothing.
extern "C" int rte_eth_stats_get(std::uint16_t port, rte_eth_stats* stats) {
  static const auto next = reinterpret_cast<decltype(&rte_eth_stats_get)>(::dlsym(RTLD_NEXT, "rte_eth_stats_get"));
  const int status = next(port, stats);
  stats->ierrors += ringtail::dpdk::lost;
  return status;
}
