// Starts DPDK's environment abstraction layer, once per process.
#pragma once

#include <cstddef>
#include <string>

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>

namespace ringtail::dpdk {

/// Starts DPDK on the first call. Later calls only check that they ask for the same: DPDK cannot be started twice. A
/// start that DPDK itself failed stays failed; what is found wrong before DPDK is asked may be corrected.
/// `memory_bytes`: what the caller is about to ask for, so that missing huge pages are found before DPDK does.
/// Any thread; serialised. Never ends the process, prints or logs.
[[nodiscard]] Result<void> start_eal(const DpdkOptions& options, std::size_t memory_bytes);

/// Starts DPDK as a secondary process of the application that runs with `file_prefix`, to see its ports and memory.
/// Later calls only check that they ask for the same. `options.file_prefix` and `huge_pages` do not apply: they are the
/// application's. Any thread; serialised. Never ends the process, prints or logs.
[[nodiscard]] Result<void> join_application(const std::string& file_prefix, const DpdkOptions& options);

/// Gives the calling thread an lcore id while it lives, and with it a cache in front of every mempool. Cheap when it
/// has one. Without (ids are limited) everything works, slower.
void adopt_this_thread() noexcept;

/// True when memory comes from huge pages.
[[nodiscard]] bool eal_has_huge_pages() noexcept;

}  // namespace ringtail::dpdk
