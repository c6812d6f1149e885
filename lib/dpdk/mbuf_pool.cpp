#include "dpdk/mbuf_pool.hpp"

#include <atomic>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>

#include "dpdk/eal.hpp"
#include "dpdk/huge_pages.hpp"

namespace ringtail::dpdk {

static_assert(largest_data_bytes == UINT16_MAX - RTE_PKTMBUF_HEADROOM);

namespace {

// The most there may be: bursts that are longer than a thread's cache go past it, to the ring that all threads share.
constexpr unsigned cached_per_thread = RTE_MEMPOOL_CACHE_MAX_SIZE;

Error pool_error(std::uint32_t mbufs, std::size_t bytes) {
  if (rte_errno == ENOMEM && eal_has_huge_pages()) return huge_page_error(read_huge_pages(), bytes);
  Error error = make_error("reserve " + std::to_string(bytes >> 20) + " MiB for " + std::to_string(mbufs) + " packets",
                           rte_strerror(rte_errno), "ask for less (-B) or give DPDK more memory (--eal '-m MIB')");
  error.error_number = rte_errno;
  return error;
}

// Names are unique in the process, and its secondaries.
std::string next_name() {
  static std::atomic<unsigned> number{0};
  return "ringtail_" + std::to_string(number.fetch_add(1, std::memory_order_relaxed));
}

unsigned cache_for(std::uint32_t mbufs) {
  return mbufs >= 4 * cached_per_thread ? cached_per_thread : 0;
}

unsigned element_bytes(std::uint32_t data_bytes) noexcept {
  return static_cast<unsigned>(sizeof(rte_mbuf) + RTE_PKTMBUF_HEADROOM + data_bytes);
}

}  // namespace

std::size_t mbuf_bytes(std::uint32_t data_bytes) noexcept {
  return rte_mempool_calc_obj_size(element_bytes(data_bytes), 0, nullptr);
}

rte_mempool* begin_mbuf_pool(const std::string& name, std::uint32_t mbufs, std::uint32_t data_bytes, unsigned cached,
                             int socket, unsigned flags) noexcept {
  rte_mempool* pool = rte_mempool_create_empty(name.c_str(), mbufs, element_bytes(data_bytes), cached,
                                               sizeof(rte_pktmbuf_pool_private), socket, flags);
  if (pool == nullptr) return nullptr;
  rte_pktmbuf_pool_private room = {};
  room.mbuf_data_room_size = static_cast<std::uint16_t>(RTE_PKTMBUF_HEADROOM + data_bytes);
  rte_pktmbuf_pool_init(pool, &room);
  return pool;
}

Result<MbufPool> create_mbuf_pool(std::uint32_t mbufs, std::uint32_t data_bytes, int socket) {
  const auto room = static_cast<std::uint16_t>(RTE_PKTMBUF_HEADROOM + data_bytes);
  MbufPool pool(rte_pktmbuf_pool_create(next_name().c_str(), mbufs, cache_for(mbufs), 0, room, socket));
  if (!pool) return tl::unexpected(pool_error(mbufs, mbufs * mbuf_bytes(data_bytes)));
  return pool;
}

Result<MbufPool> create_mbuf_pool(std::uint32_t mbufs, std::uint32_t data_bytes, int socket, const PoolPart& memory) {
  const unsigned flags = eal_has_huge_pages() ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG;  // no device asks for addresses there
  MbufPool pool(begin_mbuf_pool(next_name(), mbufs, data_bytes, cache_for(mbufs), socket, flags));
  if (!pool) return tl::unexpected(pool_error(mbufs, memory.bytes));
  const int status = rte_mempool_set_ops_byname(pool.get(), rte_mbuf_best_mempool_ops(), nullptr);
  const int populated = status != 0 ? status
                                    : rte_mempool_populate_virt(pool.get(), reinterpret_cast<char*>(memory.data),
                                                                memory.bytes, memory.page_bytes, nullptr, nullptr);
  if (populated != static_cast<int>(mbufs)) {
    if (populated < 0) rte_errno = -populated;
    return tl::unexpected(pool_error(mbufs, memory.bytes));
  }
  rte_mempool_obj_iter(pool.get(), rte_pktmbuf_init, nullptr);
  return pool;
}

}  // namespace ringtail::dpdk
