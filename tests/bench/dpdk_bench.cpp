// What the library's receive -> touch every descriptor -> release costs on top of a bare rte_eth_rx_burst loop, on a
// device that always has packets (net_null) and without huge pages.
//
//   build/release/tests/bench/dpdk_bench --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true

#include <benchmark/benchmark.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dpdk/backend.hpp"
#include "dpdk/eal.hpp"
#include "dpdk/port.hpp"

namespace ringtail::dpdk {
namespace {

constexpr std::uint16_t burst = 64;

OpenOptions options_of(std::uint32_t batch_packets) {
  OpenOptions options;
  options.batch_packets = batch_packets;
  options.dpdk.huge_pages = false;
  return options;
}

void report(benchmark::State& state, std::uint64_t packets) {
  state.counters["ns_per_packet"] =
      benchmark::Counter(static_cast<double>(packets) / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// What testpmd's rxonly mode does: fetch, look at each packet's length, free.
void bare_bursts(benchmark::State& state) {
  const OpenOptions options = options_of(burst);
  if (!start_eal(options.dpdk, options.buffer_bytes)) return state.SkipWithError("DPDK does not start");
  const auto port = Port::open({.name = "net_null0", .arguments = "net_null0"}, options);
  if (!port) return state.SkipWithError(port.error().message().c_str());
  adopt_this_thread();  // as the library does: without it every free goes past the pool's per-thread cache
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  rte_mbuf* mbufs[burst];
  for (auto _ : state) {
    const std::uint16_t count = rte_eth_rx_burst((*port)->id(), 0, mbufs, burst);
    for (std::uint16_t index = 0; index < count; ++index) bytes += mbufs[index]->pkt_len;
    rte_pktmbuf_free_bulk(mbufs, count);
    packets += count;
  }
  benchmark::DoNotOptimize(bytes);
  report(state, packets);
}
BENCHMARK(bare_bursts);

void batches(benchmark::State& state) {
  OpenOptions options = options_of(static_cast<std::uint32_t>(state.range(0)));
  auto backend = open_backend("dpdk:net_null0", options);
  if (!backend) return state.SkipWithError(backend.error().message().c_str());
  Source source(std::move(*backend));
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  for (auto _ : state) {
    const auto [status, batch] = source.receive(std::chrono::nanoseconds::zero());
    for (const PacketView packet : batch) bytes += packet.wire_length();
    packets += batch.size();
  }
  benchmark::DoNotOptimize(bytes);
  report(state, packets);
}
BENCHMARK(batches)->Arg(64)->Arg(256);

}  // namespace
}  // namespace ringtail::dpdk

BENCHMARK_MAIN();
