// What the library's receive -> touch every view -> release costs on top of a bare hand-written walk over the same
// blocks. Both read memory that a fake kernel filled once; only the blocks' status words are put back between laps.
//
//   build/release/tests/bench/receive_bench --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true

#include <benchmark/benchmark.h>

#include "bench/full_ring.hpp"

namespace ringtail {
namespace {

using bench::FullRing;
using bench::report;
using namespace std::chrono_literals;

// What a C programmer writes after reading packet_mmap.rst: the time, the lengths and a byte of every packet.
void bare_walk(benchmark::State& state) {
  FullRing ring(static_cast<std::size_t>(state.range(0)));
  std::uint64_t sum = 0;
  for (auto _ : state) {
    ring.refill();
    for (std::uint32_t block = 0; block < ring.geometry().block_count; ++block) {
      tpacket_hdr_v1& header = ring.header(block);
      const auto* record =
          reinterpret_cast<const std::byte*>(&header) - offsetof(tpacket_block_desc, hdr) + header.offset_to_first_pkt;
      for (std::uint32_t left = header.num_pkts; left != 0; --left) {
        const auto& packet = *reinterpret_cast<const tpacket3_hdr*>(record);
        sum += packet.tp_sec + packet.tp_nsec + packet.tp_snaplen + packet.tp_len +
               static_cast<std::uint64_t>(record[packet.tp_mac + 12]);
        record += packet.tp_next_offset;
      }
      header.block_status = TP_STATUS_KERNEL;
    }
  }
  benchmark::DoNotOptimize(sum);
  report(state, ring);
}

void receive_touch_release(benchmark::State& state) {
  FullRing ring(static_cast<std::size_t>(state.range(0)));
  std::uint64_t sum = 0;
  for (auto _ : state) {
    ring.refill();
    Batch batch;
    while (ring.backend().receive(0ns, batch) == ReceiveStatus::packets) {
      for (const PacketView packet : batch) {
        sum += packet.timestamp_ns() + packet.captured_length() + packet.wire_length() +
               static_cast<std::uint64_t>(packet.data()[12]);
      }
      batch.reset();
    }
  }
  benchmark::DoNotOptimize(sum);
  report(state, ring);
}

BENCHMARK(bare_walk)->Arg(64)->Arg(256)->Arg(512)->Arg(1500)->Arg(0);
BENCHMARK(receive_touch_release)->Arg(64)->Arg(256)->Arg(512)->Arg(1500)->Arg(0);

}  // namespace
}  // namespace ringtail

BENCHMARK_MAIN();
