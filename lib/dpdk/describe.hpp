// From an mbuf to the descriptor that every source hands out.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include <ringtail/packet.hpp>

namespace ringtail::dpdk {

/// What the packets of a burst have in common.
struct BurstContext {
  const std::byte* memory_base;
  std::uint64_t timestamp_ns;
  std::uint32_t snaplen;
  std::uint16_t queue;
};

namespace detail_describe {

inline constexpr std::uint64_t checked = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
inline constexpr std::uint64_t worth_a_look = RTE_MBUF_F_RX_RSS_HASH | RTE_MBUF_F_RX_VLAN | checked;

// Most packets of most devices carry at most a hash.
inline void describe_offloads(const rte_mbuf& packet, PacketDescriptor& descriptor) noexcept {
  if ((packet.ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0) {
    descriptor.rx_hash = packet.hash.rss;
    descriptor.flags |= packet_flags::rx_hash_valid;
  }
  if ((packet.ol_flags & checked) == checked) descriptor.flags |= packet_flags::checksum_valid;
  if ((packet.ol_flags & RTE_MBUF_F_RX_VLAN) != 0 && packet.data_len >= sizeof(rte_ether_hdr)) {
    descriptor.vlan_tci = packet.vlan_tci;
    descriptor.vlan_tpid = rte_be_to_cpu_16(rte_pktmbuf_mtod(&packet, const rte_ether_hdr*)->ether_type);
    descriptor.flags |= packet_flags::vlan_restored;
  }
}

}  // namespace detail_describe

/// `packet` is in one piece, tags and all (unify.hpp).
inline void describe(const rte_mbuf& packet, const BurstContext& burst, PacketDescriptor& descriptor) noexcept {
  // Modulo 2^64 on purpose: memory that a driver attached from elsewhere may lie below the base.
  descriptor.offset = std::bit_cast<std::uintptr_t>(rte_pktmbuf_mtod(&packet, const std::byte*)) -
                      std::bit_cast<std::uintptr_t>(burst.memory_base);
  descriptor.timestamp_ns = burst.timestamp_ns;
  descriptor.captured_length = std::min<std::uint32_t>(packet.data_len, burst.snaplen);
  descriptor.wire_length = packet.pkt_len;
  descriptor.rx_hash = 0;
  descriptor.flags = packet_flags::inbound;
  descriptor.vlan_tci = 0;
  descriptor.vlan_tpid = 0;
  descriptor.interface_id = 0;
  descriptor.queue = burst.queue;
  if ((packet.ol_flags & detail_describe::worth_a_look) != 0) detail_describe::describe_offloads(packet, descriptor);
}

}  // namespace ringtail::dpdk
