// What the tests that start DPDK share.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <ringtail/ringtail.hpp>

namespace ringtail::dpdk {

using namespace std::chrono_literals;

/// Options for a start without huge pages, and for little memory.
[[nodiscard]] OpenOptions small_options();

/// Opens the device in this process, without the module in between. Ends the test on failure.
[[nodiscard]] Source open_source(std::string_view device, const OpenOptions& options = small_options());

/// The message of the error that opening ends with.
[[nodiscard]] std::string open_error(std::string_view device, const OpenOptions& options = small_options());

/// Source::counters() by name.
[[nodiscard]] std::map<std::string, std::uint64_t> counters_of(const Source& source);

/// Receives until `packets` are there or nothing comes for two seconds.
[[nodiscard]] std::vector<Batch> receive_batches(Source& source, std::uint64_t packets);

/// Bytes allocated in DPDK's heaps.
[[nodiscard]] std::size_t heap_bytes();

}  // namespace ringtail::dpdk
