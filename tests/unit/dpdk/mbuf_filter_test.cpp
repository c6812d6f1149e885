#include "dpdk/mbuf_filter.hpp"

#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_lcore.h>

#include "dpdk/eal.hpp"
#include "dpdk/mbuf_pool.hpp"
#include "dpdk_fixture.hpp"
#include "filter/compile.hpp"

namespace ringtail::dpdk {
namespace {

using Frame = std::vector<std::uint8_t>;

filter::Program compile(const char* text) {
  return filter::compile(text, link_type::ethernet, filter::CompileFor::here).value();
}

class MbufFilters : public testing::Test {
 protected:
  void SetUp() override {
    const OpenOptions options = small_options();
    ASSERT_TRUE(start_eal(options.dpdk, options.buffer_bytes));
    pool_ = std::move(*create_mbuf_pool(128, 2048, SOCKET_ID_ANY));
  }
  void TearDown() override { EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0U); }

  rte_mbuf* packet(const Frame& frame) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_.get());
    std::memcpy(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(frame.size())), frame.data(), frame.size());
    return mbuf;
  }

  MbufPool pool_;
};

TEST_F(MbufFilters, WhatDoesNotMatchIsFreedAndTheRestKeepsItsOrder) {
  const MbufFilter filter(compile("greater 100"));
  rte_mbuf* packets[20];
  for (std::uint8_t index = 0; index < 20; ++index) packets[index] = packet(Frame(index % 3 == 0 ? 200 : 50, index));
  ASSERT_EQ(filter.keep_matching(packets, 20), 7U);
  EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 7U);
  for (std::uint8_t index = 0; index < 7; ++index) {
    EXPECT_EQ(*rte_pktmbuf_mtod(packets[index], std::uint8_t*), index * 3);
  }
  rte_pktmbuf_free_bulk(packets, 7);
}

TEST_F(MbufFilters, PacketsInSeveralMbufsAreJudgedWhole) {
  rte_mbuf* mbuf = packet(Frame(50, 1));
  ASSERT_EQ(rte_pktmbuf_chain(mbuf, packet(Frame(100, 2))), 0);
  EXPECT_TRUE(MbufFilter(compile("ether[48:4] = 0x01010202")).matches(*mbuf));
  EXPECT_TRUE(MbufFilter(compile("ether[149] = 2 and greater 150")).matches(*mbuf));
  EXPECT_FALSE(MbufFilter(compile("ether[150] = 2")).matches(*mbuf)) << "beyond the end";
  rte_pktmbuf_free(mbuf);
}

TEST_F(MbufFilters, ATagThatTheDeviceTookOutIsSeen) {
  const MbufFilter filter(compile("vlan 5"));
  rte_mbuf* tagged = packet(Frame(60, 1));
  tagged->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  tagged->vlan_tci = 5;
  rte_mbuf* packets[] = {packet(Frame(60, 1)), tagged};
  ASSERT_EQ(filter.keep_matching(packets, 2), 1U);
  EXPECT_EQ(packets[0], tagged);
  rte_pktmbuf_free(tagged);
}

TEST_F(MbufFilters, BadTextIsAnErrorWithItsPlace) {
  OpenOptions options = small_options();
  options.filter = "tcp prot 80";
  EXPECT_THAT(open_error("dpdk:net_null0", options), testing::HasSubstr("compile filter 'tcp prot 80'"));
}

TEST_F(MbufFilters, ASourceCountsOnlyWhatPasses) {
  OpenOptions options = small_options();
  options.filter = "less 64";  // net_null's packets have 64 bytes
  Source all = open_source("dpdk:net_null0", options);
  EXPECT_EQ(all.receive(1s).status, ReceiveStatus::packets);
  EXPECT_EQ(all.interface(0).filter, "less 64");
  EXPECT_EQ(counters_of(all)["filtered_out"], 0U);

  options.filter = "greater 65";
  Source none = open_source("dpdk:net_null1", options);
  EXPECT_EQ(none.receive(10ms).status, ReceiveStatus::timeout);
  none.stop();
  EXPECT_EQ(none.receive(1s).status, ReceiveStatus::end_of_stream) << "though the device never runs dry";
  EXPECT_EQ(none.stats().received, 0U);
  EXPECT_GT(counters_of(none)["filtered_out"], 1'000U);
  EXPECT_EQ(counters_of(none)["mbufs_in_use"], 0U);
}

}  // namespace
}  // namespace ringtail::dpdk
