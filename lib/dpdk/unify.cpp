#include "dpdk/unify.hpp"

#include <algorithm>
#include <cstring>
#include <rte_byteorder.h>
#include <rte_ether.h>

namespace ringtail::dpdk {

namespace {

constexpr std::uint16_t vlan_header_bytes = sizeof(rte_vlan_hdr);
constexpr std::uint16_t addresses_bytes = 2 * RTE_ETHER_ADDR_LEN;

// Moves the two addresses forward into the headroom and writes the tag behind them. The mbuf is ours alone.
void put_tag_back(rte_mbuf& packet, std::uint16_t ethertype, std::uint16_t tci) noexcept {
  if (packet.data_len < addresses_bytes) return;
  const auto* old_start = rte_pktmbuf_mtod(&packet, const char*);
  char* start = rte_pktmbuf_prepend(&packet, vlan_header_bytes);
  if (start == nullptr) return;  // no headroom left: no driver fills it
  std::memmove(start, old_start, addresses_bytes);
  const std::uint16_t tag[2] = {rte_cpu_to_be_16(ethertype), rte_cpu_to_be_16(tci)};
  std::memcpy(start + addresses_bytes, tag, sizeof tag);
}

// What describe() wants of an mbuf, beside data and lengths. The dynamic fields hold the device's time stamp.
void copy_description(rte_mbuf& to, const rte_mbuf& from) noexcept {
  to.port = from.port;
  to.ol_flags = from.ol_flags & ~(RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT);  // where its memory is stays its own
  to.packet_type = from.packet_type;
  to.vlan_tci = from.vlan_tci;
  to.vlan_tci_outer = from.vlan_tci_outer;
  to.hash = from.hash;
  rte_mbuf_dynfield_copy(&to, &from);
}

void gather(rte_mbuf& to, const rte_mbuf& chain) noexcept {
  std::uint16_t room = rte_pktmbuf_tailroom(&to);
  char* end = rte_pktmbuf_mtod(&to, char*);
  for (const rte_mbuf* piece = &chain; piece != nullptr && room > 0; piece = piece->next) {
    const std::uint16_t bytes = std::min(room, piece->data_len);
    std::memcpy(end, rte_pktmbuf_mtod(piece, const char*), bytes);
    end += bytes;
    room = static_cast<std::uint16_t>(room - bytes);
    to.data_len = static_cast<std::uint16_t>(to.data_len + bytes);
  }
  to.pkt_len = chain.pkt_len;
}

}  // namespace

// RTE_MBUF_F_RX_VLAN without ..._STRIPPED says "the tag is in the bytes, and here is its TCI": describe() reads that.
void put_tags_back(rte_mbuf& packet) noexcept {
  if ((packet.ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) {
    put_tag_back(packet, RTE_ETHER_TYPE_VLAN, packet.vlan_tci);
  }
  if ((packet.ol_flags & RTE_MBUF_F_RX_QINQ_STRIPPED) != 0) {
    put_tag_back(packet, RTE_ETHER_TYPE_QINQ, packet.vlan_tci_outer);
    packet.vlan_tci = packet.vlan_tci_outer;
  }
  packet.ol_flags &= ~(RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED);
  packet.ol_flags |= RTE_MBUF_F_RX_VLAN;
}

rte_mbuf* unify(rte_mbuf* packet, rte_mempool& large_pool, std::uint64_t& copied_bytes) noexcept {
  rte_mbuf* whole = packet->nb_segs == 1 ? packet : rte_pktmbuf_alloc(&large_pool);
  if (whole == nullptr) return nullptr;
  if (lacks_tags(*packet)) put_tags_back(*packet);
  if (whole == packet) return packet;
  copy_description(*whole, *packet);
  gather(*whole, *packet);
  copied_bytes += whole->data_len;
  rte_pktmbuf_free(packet);
  return whole;
}

}  // namespace ringtail::dpdk
