// What devices do to packets, undone: tags they took out go back in, packets in several mbufs become one piece.
#pragma once

#include <cstdint>
#include <rte_mbuf.h>

namespace ringtail::dpdk {

/// True when put_tags_back() has something to do.
[[nodiscard]] inline bool lacks_tags(const rte_mbuf& packet) noexcept {
  return (packet.ol_flags & (RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED)) != 0;
}

/// Makes the packet's bytes those of the wire.
void put_tags_back(rte_mbuf& packet) noexcept;

/// True when unify() has something to do.
[[nodiscard]] inline bool needs_unifying(const rte_mbuf& packet) noexcept {
  return packet.nb_segs != 1 || lacks_tags(packet);
}

/// True for nearly every packet: unify() has nothing to do, and the mbuf may go back to `pool` as it is
/// (rte_mbuf_raw_free(): nobody else has a reference, and it owns its memory). One cache line is looked at.
[[nodiscard]] inline bool is_plain(const rte_mbuf& packet, const rte_mempool* pool) noexcept {
  constexpr std::uint64_t special =
      RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED | RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
  return packet.nb_segs == 1 && rte_mbuf_refcnt_read(&packet) == 1 && (packet.ol_flags & special) == 0 &&
         packet.pool == pool;
}

/// Takes `packet` over and returns it in one piece as it was on the wire: itself, or a copy in an mbuf of `large_pool`.
/// What is longer than such an mbuf is cut; its pkt_len still says how long it was. Adds to `copied_bytes`. Null when
/// `large_pool` has no mbuf left: then `packet` remains the caller's.
[[nodiscard]] rte_mbuf* unify(rte_mbuf* packet, rte_mempool& large_pool, std::uint64_t& copied_bytes) noexcept;

}  // namespace ringtail::dpdk
