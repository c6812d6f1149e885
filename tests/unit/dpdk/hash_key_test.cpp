#include "dpdk/hash_key.hpp"

#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <rte_thash.h>

namespace ringtail::dpdk {
namespace {

// DPDK's own Toeplitz, the one that devices have in hardware.
std::uint32_t hash_of(const rte_thash_tuple& flow, std::size_t words, const std::vector<std::uint8_t>& key) {
  std::array<std::uint32_t, RTE_THASH_V6_L4_LEN> input = {};
  std::memcpy(input.data(), &flow, words * sizeof(std::uint32_t));
  return rte_softrss(input.data(), static_cast<std::uint32_t>(words), key.data());
}

constexpr std::size_t key_sizes[] = {40, 52};  // mlx5, ixgbe; i40e, ice

TEST(HashKey, BothDirectionsOfAFlowMeet) {
  std::mt19937 random(1);
  for (const std::size_t bytes : key_sizes) {
    const std::vector<std::uint8_t> key = symmetric_key(bytes);
    ASSERT_EQ(key.size(), bytes);
    std::uint32_t first = 0;
    bool all_the_same = true;
    for (int round = 0; round < 100; ++round) {
      rte_thash_tuple there = {};
      rte_thash_tuple back = {};
      there.v4.src_addr = back.v4.dst_addr = static_cast<std::uint32_t>(random());
      there.v4.dst_addr = back.v4.src_addr = static_cast<std::uint32_t>(random());
      there.v4.sport = back.v4.dport = static_cast<std::uint16_t>(random());
      there.v4.dport = back.v4.sport = static_cast<std::uint16_t>(random());
      for (const std::size_t words : {RTE_THASH_V4_L3_LEN, RTE_THASH_V4_L4_LEN}) {
        ASSERT_EQ(hash_of(there, words, key), hash_of(back, words, key)) << bytes << " bytes, " << words << " words";
      }
      const std::uint32_t hash = hash_of(there, RTE_THASH_V4_L4_LEN, key);
      if (round == 0) first = hash;
      all_the_same = all_the_same && hash == first;
    }
    EXPECT_FALSE(all_the_same) << "flows are spread";
  }
}

TEST(HashKey, BothDirectionsOfAnIpv6FlowMeet) {
  std::mt19937 random(2);
  for (const std::size_t bytes : key_sizes) {
    const std::vector<std::uint8_t> key = symmetric_key(bytes);
    for (int round = 0; round < 100; ++round) {
      rte_thash_tuple there = {};
      rte_thash_tuple back = {};
      for (std::size_t index = 0; index < sizeof there.v6.src_addr; ++index) {
        there.v6.src_addr[index] = back.v6.dst_addr[index] = static_cast<std::uint8_t>(random());
        there.v6.dst_addr[index] = back.v6.src_addr[index] = static_cast<std::uint8_t>(random());
      }
      there.v6.sport = back.v6.dport = static_cast<std::uint16_t>(random());
      there.v6.dport = back.v6.sport = static_cast<std::uint16_t>(random());
      for (const std::size_t words : {RTE_THASH_V6_L3_LEN, RTE_THASH_V6_L4_LEN}) {
        ASSERT_EQ(hash_of(there, words, key), hash_of(back, words, key)) << bytes << " bytes, " << words << " words";
      }
    }
  }
}

}  // namespace
}  // namespace ringtail::dpdk
