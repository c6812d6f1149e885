// Pools of mbufs: the memory that packets arrive in. Sized at open; nothing grows afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <rte_mempool.h>
#include <string>

#include <ringtail/error.hpp>

#include "dpdk/pool_memory.hpp"

namespace ringtail::dpdk {

struct MbufPoolDeleter {
  void operator()(rte_mempool* pool) const noexcept { rte_mempool_free(pool); }
};
/// Must be empty of loans when it goes: DPDK frees the memory, whoever still points into it.
using MbufPool = std::unique_ptr<rte_mempool, MbufPoolDeleter>;

/// Most packet bytes one mbuf can hold (rte_mbuf::data_off and buf_len are 16 bits).
inline constexpr std::uint32_t largest_data_bytes = UINT16_MAX - 128;
/// Of such mbufs, in which packets that come in several are put together, there are at least so many.
inline constexpr std::uint32_t least_large_mbufs = 32;
/// What a frame has beyond the MTU: Ethernet header, frame check sequence, two VLAN tags.
inline constexpr std::uint32_t framing_bytes = 14 + 4 + 2 * 4;

/// Mbufs that one reader may hold at a time.
struct MbufCredit {
  std::uint32_t mbufs = 0;        ///< of all kinds: packets
  std::uint32_t large_mbufs = 0;  ///< of these, such that were put together
};

/// Bytes that one mbuf with room for `data_bytes` of packet takes, headers and headroom included.
[[nodiscard]] std::size_t mbuf_bytes(std::uint32_t data_bytes) noexcept;

/// What rte_pktmbuf_pool_create() begins with: a pool that has no mbufs yet, for whoever knows better where they lie.
/// Null, with rte_errno, when there is no memory for it.
[[nodiscard]] rte_mempool* begin_mbuf_pool(const std::string& name, std::uint32_t mbufs, std::uint32_t data_bytes,
                                           unsigned cached, int socket, unsigned flags) noexcept;

/// `data_bytes` <= largest_data_bytes. `socket`: the NUMA node, or SOCKET_ID_ANY.
[[nodiscard]] Result<MbufPool> create_mbuf_pool(std::uint32_t mbufs, std::uint32_t data_bytes, int socket);
/// The same in memory of ours, which outlives the pool.
[[nodiscard]] Result<MbufPool> create_mbuf_pool(std::uint32_t mbufs, std::uint32_t data_bytes, int socket,
                                                const PoolPart& memory);

}  // namespace ringtail::dpdk
