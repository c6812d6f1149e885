#include "dpdk/tap_memory.hpp"

#include <atomic>
#include <bit>
#include <mutex>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_memzone.h>
#include <string_view>

#include "dpdk/mbuf_pool.hpp"

namespace ringtail::dpdk {

namespace {

// Threads of the application have caches of their own in front of the pool; ours has none (start_secondary()).
constexpr unsigned cached_per_thread = 256;

constexpr std::string_view our_prefix = "ringtail_";

std::atomic<int> pool_number{0};  // by agree_on_pools()

std::string ring_name(std::uint16_t port) {
  return std::string(our_prefix) + "tap_" + std::to_string(port);
}

std::string large_name(std::uint16_t port) {
  return std::string(our_prefix) + "large_" + std::to_string(port);
}

Error memory_error(std::uint16_t port, std::size_t bytes) {
  Error error = make_error(
      "tap port " + std::to_string(port),
      "the application's memory has no room for " + std::to_string(bytes >> 20) + " MiB: " + rte_strerror(rte_errno),
      "ask for less (-B), or see that there are free huge pages (scripts/hugepages.sh)");
  error.error_number = rte_errno;
  return error;
}

// The mbufs lie in a memory zone of our own: what DPDK reserves for them it frees through a function pointer of the
// process that made the pool (rte_mempool_memhdr::free_cb).
rte_mempool* create_pool(const std::string& name, std::uint32_t mbufs, std::uint32_t data_bytes, unsigned cached,
                         int socket) {
  // Packets are copied here and never sent, so physical addresses do not matter.
  constexpr unsigned flags = RTE_MEMPOOL_F_NO_IOVA_CONTIG;
  rte_mempool* pool = begin_mbuf_pool(name, mbufs, data_bytes, cached, socket, flags);
  if (pool == nullptr) return nullptr;
  const std::size_t bytes = mbufs * mbuf_bytes(data_bytes);
  const rte_memzone* zone = rte_memzone_reserve_aligned(name.c_str(), bytes, socket, 0, RTE_MEMPOOL_ALIGN);
  pool->ops_index = pool_number.load(std::memory_order_relaxed);
  const bool whole =
      zone != nullptr && rte_mempool_populate_iova(pool, static_cast<char*>(zone->addr), RTE_BAD_IOVA, zone->len,
                                                   nullptr, nullptr) == static_cast<int>(mbufs);
  if (!whole) return nullptr;
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  return pool;
}

void remove_pool(const std::string& name) {
  rte_mempool_free(rte_mempool_lookup(name.c_str()));
  if (const rte_memzone* zone = rte_memzone_lookup(name.c_str())) rte_memzone_free(zone);
}

constexpr int not_found = -1;

// The number by which the application knows ring_mp_mc, the code that runs a pool by a ring for many threads: that of a
// pool which has such a ring.
int number_in_application() {
  int number = not_found;
  rte_mempool_walk(
      [](rte_mempool* pool, void* found) {
        const std::string ring_of_pool = "MP_" + std::string(pool->name);  // RTE_MEMPOOL_MZ_FORMAT
        const rte_ring* ring = rte_ring_lookup(ring_of_pool.c_str());
        if (ring == nullptr || ring != pool->pool_data || std::string_view(pool->name).starts_with(our_prefix)) return;
        if (rte_ring_get_prod_sync_type(ring) != RTE_RING_SYNC_MT) return;
        if (rte_ring_get_cons_sync_type(ring) == RTE_RING_SYNC_MT) *static_cast<int*>(found) = pool->ops_index;
      },
      &number);
  return number;
}

int number_here() {
  for (std::uint32_t number = 0; number < rte_mempool_ops_table.num_ops; ++number) {
    if (std::string_view(rte_mempool_ops_table.ops[number].name) == "ring_mp_mc") return static_cast<int>(number);
  }
  return not_found;
}

}  // namespace

Result<TapMemory> create_tap_memory(std::uint16_t port, std::uint32_t mbufs, std::uint32_t data_bytes, int socket) {
  TapMemory memory;
  const std::string name = ring_name(port);
  memory.ring = rte_ring_create(name.c_str(), std::bit_ceil(mbufs + 1), socket, 0);  // several may put, several take
  if (memory.ring != nullptr) memory.pool = create_pool(name, mbufs, data_bytes, cached_per_thread, socket);
  if (memory.pool != nullptr) {
    memory.large_pool = create_pool(large_name(port), least_large_mbufs, largest_data_bytes, 0, socket);
  }
  if (memory.large_pool == nullptr) {
    Error error =
        memory_error(port, mbufs * mbuf_bytes(data_bytes) + least_large_mbufs * mbuf_bytes(largest_data_bytes));
    remove_tap_memory(port);
    return tl::unexpected(std::move(error));
  }
  return memory;
}

bool agree_on_pools() {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const int theirs = number_in_application();
  const int ours = number_here();
  if (theirs == not_found || ours == not_found) return false;
  rte_mempool_ops& entry = rte_mempool_ops_table.ops[theirs];
  if (std::string_view(entry.name) != "ring_mp_mc") entry = rte_mempool_ops_table.ops[ours];
  pool_number.store(theirs, std::memory_order_relaxed);
  return true;
}

bool has_tap_memory(std::uint16_t port) {
  return rte_ring_lookup(ring_name(port).c_str()) != nullptr ||
         rte_mempool_lookup(ring_name(port).c_str()) != nullptr ||
         rte_mempool_lookup(large_name(port).c_str()) != nullptr ||
         rte_memzone_lookup(ring_name(port).c_str()) != nullptr ||
         rte_memzone_lookup(large_name(port).c_str()) != nullptr;
}

void remove_tap_memory(std::uint16_t port) {
  rte_ring_free(rte_ring_lookup(ring_name(port).c_str()));
  remove_pool(ring_name(port));
  remove_pool(large_name(port));
}

}  // namespace ringtail::dpdk
