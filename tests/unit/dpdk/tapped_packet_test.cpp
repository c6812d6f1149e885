// Blocks as DPDK's own rte_pcapng_copy() makes them, and damaged ones.
#include "dpdk/tapped_packet.hpp"

#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_pcapng.h>
#include <vector>

#include <ringtail/packet.hpp>

#include "dpdk/eal.hpp"
#include "dpdk/mbuf_pool.hpp"
#include "dpdk_fixture.hpp"

namespace ringtail::dpdk {
namespace {

constexpr std::uint32_t uncut = UINT32_MAX;
constexpr std::uint32_t queue = 3;

class TappedPackets : public testing::Test {
 protected:
  void SetUp() override {
    const OpenOptions options = small_options();
    ASSERT_TRUE(start_eal(options.dpdk, options.buffer_bytes));
    pool_ = std::move(*create_mbuf_pool(64, 512, SOCKET_ID_ANY));
  }
  void TearDown() override { EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0U); }

  // A packet of bytes 0, 1, 2 ..., of up to two mbufs.
  rte_mbuf* packet(std::uint16_t bytes, std::uint16_t second_bytes = 0) {
    rte_mbuf* head = piece(bytes, 0);
    if (second_bytes == 0) return head;
    EXPECT_EQ(rte_pktmbuf_chain(head, piece(second_bytes, bytes)), 0);
    return head;
  }
  rte_mbuf* piece(std::uint16_t bytes, std::uint16_t first) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_.get());
    auto* data = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(mbuf, bytes));
    std::iota(data, data + bytes, static_cast<std::uint8_t>(first));
    return mbuf;
  }
  // What an application's hook hands over; takes the original.
  rte_mbuf* wrapped(rte_mbuf* original, std::uint32_t snaplen, rte_pcapng_direction direction) {
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
    rte_mbuf* copy = rte_pcapng_copy(0, queue, original, pool_.get(), snaplen, direction, nullptr);
#else
    rte_mbuf* copy = rte_pcapng_copy(0, queue, original, pool_.get(), snaplen, rte_rdtsc(), direction);
#endif
    rte_pktmbuf_free(original);
    return copy;
  }
  static std::vector<std::uint8_t> bytes_of(const rte_mbuf& packet) {
    std::vector<std::uint8_t> bytes(packet.pkt_len);
    const void* read = rte_pktmbuf_read(&packet, 0, packet.pkt_len, bytes.data());
    if (read != bytes.data()) std::memcpy(bytes.data(), read, bytes.size());
    return bytes;
  }
  static std::vector<std::uint8_t> counting(std::size_t count) {
    std::vector<std::uint8_t> bytes(count);
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
    return bytes;
  }

  MbufPool pool_;
};

TEST_F(TappedPackets, TheBlockIsTakenAway) {
  for (std::uint16_t bytes = 1; bytes < 400; bytes = static_cast<std::uint16_t>(bytes + 37)) {
    rte_mbuf* copy = wrapped(packet(bytes), uncut, RTE_PCAPNG_DIRECTION_IN);
    ASSERT_TRUE(unwrap(*copy)) << bytes;
    EXPECT_EQ(bytes_of(*copy), counting(bytes));
    const TappedNote note = note_of(*copy);
    EXPECT_EQ(note.wire_length, bytes);
    EXPECT_EQ(note.flags, packet_flags::inbound);
    EXPECT_EQ(note.queue, queue);
    EXPECT_GT(note.stamp, 0U);
    rte_pktmbuf_free(copy);
  }
}

TEST_F(TappedPackets, WhatWasCutKeepsItsLength) {
  rte_mbuf* copy = wrapped(packet(400), 96, RTE_PCAPNG_DIRECTION_OUT);
  ASSERT_TRUE(unwrap(*copy));
  EXPECT_EQ(bytes_of(*copy), counting(96));
  EXPECT_EQ(note_of(*copy).wire_length, 400U);
  EXPECT_EQ(note_of(*copy).flags, packet_flags::outbound);
  rte_pktmbuf_free(copy);
}

TEST_F(TappedPackets, CopiesInSeveralMbufs) {
  rte_mbuf* copy = wrapped(packet(450, 333), uncut, RTE_PCAPNG_DIRECTION_IN);
  ASSERT_NE(copy, nullptr);
  ASSERT_GT(copy->nb_segs, 1);
  ASSERT_TRUE(unwrap(*copy));
  EXPECT_EQ(bytes_of(*copy), counting(783));
  EXPECT_EQ(note_of(*copy).queue, queue);
  rte_pktmbuf_free(copy);
}

TEST_F(TappedPackets, ATagThatDpdkPutBackIsPartOfTheLength) {
  rte_mbuf* original = packet(100);
  original->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  original->vlan_tci = 5;
  rte_mbuf* copy = wrapped(original, uncut, RTE_PCAPNG_DIRECTION_IN);
  ASSERT_TRUE(unwrap(*copy));
  EXPECT_EQ(copy->pkt_len, 104U);
  EXPECT_EQ(note_of(*copy).wire_length, 104U);
  EXPECT_EQ(copy->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED, 0U) << "nobody puts it back a second time";
  rte_pktmbuf_free(copy);
}

TEST_F(TappedPackets, AChecksumThatTheDeviceIsToFillInIsNoted) {
  rte_mbuf* original = packet(100);
  original->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
  rte_mbuf* copy = wrapped(original, uncut, RTE_PCAPNG_DIRECTION_OUT);
  ASSERT_TRUE(unwrap(*copy));
  EXPECT_EQ(note_of(*copy).flags, packet_flags::outbound | packet_flags::checksum_missing);
  rte_pktmbuf_free(copy);
}

TEST_F(TappedPackets, PacketsWithoutABlockAreRefused) {
  rte_mbuf* plain = packet(300);
  EXPECT_FALSE(unwrap(*plain));
  rte_pktmbuf_free(plain);
  rte_mbuf* tiny = packet(27);
  EXPECT_FALSE(unwrap(*tiny));
  rte_pktmbuf_free(tiny);
}

// Whatever the lengths say, nothing outside of the mbuf is read or lent.
TEST_F(TappedPackets, DamagedBlocksStayInsideTheirMbuf) {
  std::mt19937 random(6);
  for (int round = 0; round < 2'000; ++round) {
    rte_mbuf* copy = wrapped(packet(200, round % 2 == 0 ? 450 : 0), uncut, RTE_PCAPNG_DIRECTION_IN);
    const std::uint32_t longest = copy->pkt_len;
    auto* words = rte_pktmbuf_mtod(copy, std::uint32_t*);
    words[random() % 7] = static_cast<std::uint32_t>(round % 3 == 0 ? random() : random() % 600);
    if (unwrap(*copy)) {
      EXPECT_LE(copy->pkt_len, longest);
      EXPECT_GE(note_of(*copy).wire_length, copy->pkt_len);
    }
    rte_pktmbuf_free(copy);
  }
}

}  // namespace
}  // namespace ringtail::dpdk
