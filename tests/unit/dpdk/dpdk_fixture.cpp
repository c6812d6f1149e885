#include "dpdk_fixture.hpp"

#include <gtest/gtest.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <stdexcept>

#include "dpdk/backend.hpp"

namespace ringtail::dpdk {

OpenOptions small_options() {
  OpenOptions options;
  options.buffer_bytes = std::size_t{16} << 20;
  options.batch_packets = 64;
  options.dpdk.huge_pages = false;
  options.dpdk.descriptors = 256;
  return options;
}

Source open_source(std::string_view device, const OpenOptions& options) {
  auto backend = open_backend(device, options);
  if (!backend) throw std::runtime_error(backend.error().message());  // gtest reports it and ends the test
  return Source(std::move(*backend));
}

std::string open_error(std::string_view device, const OpenOptions& options) {
  auto backend = open_backend(device, options);
  return backend ? "" : backend.error().message();
}

std::map<std::string, std::uint64_t> counters_of(const Source& source) {
  std::map<std::string, std::uint64_t> counters;
  for (const Counter& counter : source.counters()) counters.emplace(counter.name, counter.value);
  return counters;
}

std::vector<Batch> receive_batches(Source& source, std::uint64_t packets) {
  std::vector<Batch> batches;
  for (std::uint64_t got = 0; got < packets;) {
    Received received = source.receive(2s);
    if (received.status != ReceiveStatus::packets) break;
    got += received.batch.size();
    batches.push_back(std::move(received.batch));
  }
  return batches;
}

std::size_t heap_bytes() {
  std::size_t bytes = 0;
  for (unsigned index = 0; index < rte_socket_count(); ++index) {
    rte_malloc_socket_stats stats = {};
    if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(index), &stats) == 0) bytes += stats.heap_allocsz_bytes;
  }
  return bytes;
}

}  // namespace ringtail::dpdk
