// The memory of a tap: in the application's, so that it can write there, and made so that any process can clear it
// away.
#pragma once

#include <cstdint>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <string>

#include <ringtail/error.hpp>

namespace ringtail::dpdk {

/// Where the application puts its copies, and what it makes them from. Named after the port, so that whoever taps it
/// next finds what a killed tap left.
///
/// The ring has room for every mbuf of the pool. So the application never has to give one back, and waits for nobody,
/// whenever we stop or die: it only takes mbufs from the pool and puts them into the ring, we do only the reverse.
struct TapMemory {
  rte_ring* ring = nullptr;
  rte_mempool* pool = nullptr;        ///< `mbufs` of `data_bytes`
  rte_mempool* large_pool = nullptr;  ///< ours alone: where packets in several mbufs are put together
};

/// A pool says by a number which code runs it, and each process numbers that code in the order in which it loaded it:
/// the same program started twice agrees with itself, two programs need not (Debian's testpmd 22.11 knows the usual
/// code as 3, what links libdpdk plainly as 2; dpdk-dumpcap then captures nothing, while testpmd asks a driver for
/// other hardware for mbufs). This reads the application's number off its own pools, and puts the code there in this
/// process' table, too. Before all else here. False when the application has no such pool. Any thread.
[[nodiscard]] bool agree_on_pools();

/// This process is a secondary one. `socket`: the NUMA node, or SOCKET_ID_ANY.
[[nodiscard]] Result<TapMemory> create_tap_memory(std::uint16_t port, std::uint32_t mbufs, std::uint32_t data_bytes,
                                                  int socket);

/// True when there is a tap's memory for this port, or some of it.
[[nodiscard]] bool has_tap_memory(std::uint16_t port);

/// Frees all of it, whoever made it. Nobody uses it any more.
void remove_tap_memory(std::uint16_t port);

}  // namespace ringtail::dpdk
