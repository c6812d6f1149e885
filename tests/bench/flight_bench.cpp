// What an armed flight recorder costs: a batch put into the history, and an old one given back in its place, against a
// batch given back at once, as a counter does. Both make the same descriptors of the same blocks and look at none.
//
//   build/release/tests/bench/flight_bench --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true

#include <benchmark/benchmark.h>

#include "bench/full_ring.hpp"
#include "flight_history.hpp"

namespace ringtail::daemon {
namespace {

using bench::FullRing;
using bench::report;
using namespace std::chrono_literals;

template <typename Take>
void receive_all(benchmark::State& state, FullRing& ring, Take&& take) {
  for (auto _ : state) {
    for (std::uint32_t block = 0; block < ring.geometry().block_count; ++block) {
      ring.refill(block);
      Batch batch;
      while (ring.backend().receive(0ns, batch) == ReceiveStatus::packets) take(batch);
    }
  }
  report(state, ring);
}

void count(benchmark::State& state) {
  FullRing ring(static_cast<std::size_t>(state.range(0)));
  std::uint64_t packets = 0;
  receive_all(state, ring, [&packets](Batch& batch) {
    packets += batch.size();
    batch.reset();
  });
  benchmark::DoNotOptimize(packets);
}

void hold(benchmark::State& state) {
  FullRing ring(static_cast<std::size_t>(state.range(0)), 2048);
  FlightHistory history({.age = 1h, .blocks = 12, .batches = 48, .retire_timeout = 100ms});
  receive_all(state, ring, [&history](Batch& batch) {
    const auto now = FlightHistory::Clock::now();
    history.hold(std::move(batch), now);
    history.expire(now);
  });
}

BENCHMARK(count)->Arg(64)->Arg(256)->Arg(512)->Arg(1500)->Arg(0);
BENCHMARK(hold)->Arg(64)->Arg(256)->Arg(512)->Arg(1500)->Arg(0);

}  // namespace
}  // namespace ringtail::daemon

BENCHMARK_MAIN();
