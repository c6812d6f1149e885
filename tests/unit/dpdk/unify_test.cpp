#include "dpdk/unify.hpp"

#include <gtest/gtest.h>
#include <numeric>
#include <rte_lcore.h>
#include <vector>

#include "dpdk/describe.hpp"
#include "dpdk/eal.hpp"
#include "dpdk/mbuf_pool.hpp"
#include "dpdk_fixture.hpp"

namespace ringtail::dpdk {
namespace {

class Unify : public testing::Test {
 protected:
  void SetUp() override {
    const OpenOptions options = small_options();
    ASSERT_TRUE(start_eal(options.dpdk, options.buffer_bytes));
    pool_ = std::move(*create_mbuf_pool(64, 256, SOCKET_ID_ANY));
    large_pool_ = std::move(*create_mbuf_pool(1, 4096, SOCKET_ID_ANY));
  }
  void TearDown() override {
    EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0U);
    EXPECT_EQ(rte_mempool_in_use_count(large_pool_.get()), 0U);
  }

  // A packet of bytes 0, 1, 2 ... in pieces of the given sizes.
  rte_mbuf* packet(std::initializer_list<std::uint16_t> pieces) {
    rte_mbuf* head = nullptr;
    std::uint8_t next = 0;
    for (const std::uint16_t bytes : pieces) {
      rte_mbuf* piece = rte_pktmbuf_alloc(pool_.get());
      auto* data = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(piece, bytes));
      for (std::uint16_t index = 0; index < bytes; ++index) data[index] = next++;
      if (head == nullptr) {
        head = piece;
      } else {
        EXPECT_EQ(rte_pktmbuf_chain(head, piece), 0);
      }
    }
    return head;
  }
  static std::vector<std::uint8_t> bytes_of(const rte_mbuf& mbuf) {
    const auto* data = rte_pktmbuf_mtod(&mbuf, const std::uint8_t*);
    return {data, data + mbuf.data_len};
  }
  static PacketDescriptor descriptor_of(const rte_mbuf& mbuf) {
    PacketDescriptor descriptor;
    describe(mbuf, {.memory_base = nullptr, .timestamp_ns = 5, .snaplen = 100, .queue = 3}, descriptor);
    return descriptor;
  }

  MbufPool pool_;
  MbufPool large_pool_;
  std::uint64_t copied_bytes_ = 0;
};

TEST_F(Unify, APlainPacketNeedsNothing) {
  rte_mbuf* mbuf = packet({60});
  EXPECT_FALSE(needs_unifying(*mbuf));
  rte_pktmbuf_free(mbuf);
}

TEST_F(Unify, ATakenOutTagGoesBackBehindTheAddresses) {
  rte_mbuf* mbuf = packet({60});
  mbuf->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  mbuf->vlan_tci = 0x2abc;
  ASSERT_TRUE(needs_unifying(*mbuf));
  mbuf = unify(mbuf, *large_pool_, copied_bytes_);
  std::vector<std::uint8_t> expected(60);
  std::iota(expected.begin(), expected.end(), std::uint8_t{0});
  const std::uint8_t tag[] = {0x81, 0x00, 0x2a, 0xbc};
  expected.insert(expected.begin() + 12, std::begin(tag), std::end(tag));
  EXPECT_EQ(bytes_of(*mbuf), expected);
  EXPECT_FALSE(needs_unifying(*mbuf));

  const PacketDescriptor descriptor = descriptor_of(*mbuf);
  EXPECT_EQ(descriptor.wire_length, 64U);
  EXPECT_EQ(descriptor.vlan_tci, 0x2abc);
  EXPECT_EQ(descriptor.vlan_tpid, 0x8100);
  EXPECT_NE(descriptor.flags & packet_flags::vlan_restored, 0U);
  rte_pktmbuf_free(mbuf);
}

TEST_F(Unify, OfTwoTagsTheOuterOneComesFirst) {
  rte_mbuf* mbuf = packet({60});
  mbuf->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED;
  mbuf->vlan_tci = 7;
  mbuf->vlan_tci_outer = 9;
  mbuf = unify(mbuf, *large_pool_, copied_bytes_);
  const std::vector<std::uint8_t> bytes = bytes_of(*mbuf);
  ASSERT_EQ(bytes.size(), 68U);
  const std::vector<std::uint8_t> tags(bytes.begin() + 12, bytes.begin() + 20);
  EXPECT_EQ(tags, (std::vector<std::uint8_t>{0x88, 0xa8, 0, 9, 0x81, 0x00, 0, 7}));
  EXPECT_EQ(descriptor_of(*mbuf).vlan_tci, 9);
  EXPECT_EQ(descriptor_of(*mbuf).vlan_tpid, 0x88a8);
  rte_pktmbuf_free(mbuf);
}

TEST_F(Unify, PiecesBecomeOneWithAllThatIsKnownOfThePacket) {
  rte_mbuf* mbuf = packet({200, 100, 1});
  mbuf->ol_flags |= RTE_MBUF_F_RX_RSS_HASH | RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  mbuf->hash.rss = 0xdeadbeef;
  mbuf->vlan_tci = 5;
  mbuf = unify(mbuf, *large_pool_, copied_bytes_);
  EXPECT_EQ(mbuf->nb_segs, 1);
  EXPECT_EQ(mbuf->pool, large_pool_.get());
  const std::vector<std::uint8_t> bytes = bytes_of(*mbuf);
  ASSERT_EQ(bytes.size(), 305U);
  for (std::size_t index = 16; index < bytes.size(); ++index) {
    ASSERT_EQ(bytes[index], static_cast<std::uint8_t>(index - 4)) << index;
  }
  EXPECT_EQ(copied_bytes_, 305U);
  const PacketDescriptor descriptor = descriptor_of(*mbuf);
  EXPECT_EQ(descriptor.rx_hash, 0xdeadbeefU);
  EXPECT_NE(descriptor.flags & packet_flags::rx_hash_valid, 0U);
  EXPECT_EQ(descriptor.captured_length, 100U);
  EXPECT_EQ(descriptor.wire_length, 305U);
  EXPECT_EQ(descriptor.queue, 3);
  rte_pktmbuf_free(mbuf);
}

TEST_F(Unify, WithoutALargeMbufThePacketStaysAsItIs) {
  rte_mbuf* taken = rte_pktmbuf_alloc(large_pool_.get());
  rte_mbuf* mbuf = packet({200, 100});
  mbuf->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  EXPECT_EQ(unify(mbuf, *large_pool_, copied_bytes_), nullptr);
  EXPECT_EQ(mbuf->nb_segs, 2);
  EXPECT_EQ(mbuf->data_len, 200);
  EXPECT_EQ(mbuf->pkt_len, 300U);
  EXPECT_TRUE(lacks_tags(*mbuf));
  EXPECT_EQ(copied_bytes_, 0U);
  rte_pktmbuf_free(mbuf);
  rte_pktmbuf_free(taken);
}

TEST_F(Unify, ChecksumsAreValidWhenTheDeviceCheckedBoth) {
  rte_mbuf* mbuf = packet({60});
  mbuf->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD;
  EXPECT_EQ(descriptor_of(*mbuf).flags & packet_flags::checksum_valid, 0U);
  mbuf->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  EXPECT_NE(descriptor_of(*mbuf).flags & packet_flags::checksum_valid, 0U);
  rte_pktmbuf_free(mbuf);
}

}  // namespace
}  // namespace ringtail::dpdk
