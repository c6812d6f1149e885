// What it costs to get chunks of 1 MiB into a file, by every writer: process CPU time per MiB, and MiB/s. The memory is
// written by nobody meanwhile, so the encoder's work is not in it, except for mmap, whose copy into the file is its
// way of writing. The kernel's own write-back threads are not seen from here.
//
//   RINGTAIL_BENCH_DIR=/somewhere/on/a/disk build/release/tests/bench/sink_bench --benchmark_repetitions=5

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstdlib>
#include <filesystem>
#include <sys/resource.h>
#include <unistd.h>

#include "store/make_sink.hpp"

namespace ringtail::store {
namespace {

constexpr std::size_t chunk_bytes = 1 << 20;
constexpr std::uint32_t chunks_per_file = 512;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string bench_path() {
  const char* directory = std::getenv("RINGTAIL_BENCH_DIR");
  const std::filesystem::path parent = directory != nullptr ? directory : std::filesystem::temp_directory_path();
  return (parent / ("ringtail-sink-bench-" + std::to_string(::getpid()))).string();
}

void write_file(Sink& sink, StagingPool& pool, std::span<const std::byte> content) {
  for (std::uint32_t made = 0; made < chunks_per_file; ++made) {
    Chunk chunk;
    std::span<std::byte> memory = sink.window();
    if (memory.empty()) {
      while (!(chunk.staging = pool.take()).is_held()) benchmark::DoNotOptimize(sink.wait_for_chunk());
      memory = chunk.staging.memory();
    } else {
      std::ranges::copy(content.first(std::min(content.size(), memory.size())), memory.begin());
    }
    chunk.bytes = memory.first(std::min(chunk_bytes, memory.size()));
    chunk.hold_limit = pool.buffers() - 2;
    sink.submit(std::move(chunk));
  }
  sink.finish();
}

void sink(benchmark::State& state, Writer writer, FileFormat format) {
  const std::string path = bench_path();
  const auto pool = StagingPool::create(16, chunk_bytes).value();
  std::vector<std::byte> content(chunk_bytes, std::byte{0x5A});
  for (std::uint32_t buffer = 0; buffer < pool->buffers(); ++buffer) {
    std::ranges::fill(pool->take().memory(), std::byte{0x5A});  // touched: page faults of the first use are not counted
  }
  double cpu = 0;
  for (auto _ : state) {
    auto sink = make_sink(open_output(path, false).value(), writer, format).value();
    state.SetLabel(std::string(sink->name()));
    const double before = cpu_seconds();
    write_file(*sink, *pool, content);
    cpu += cpu_seconds() - before;
    if (sink->failure() != nullptr) state.SkipWithError(sink->failure()->message().c_str());
    std::filesystem::remove(path);
  }
  const double mebibytes = static_cast<double>(state.iterations()) * chunks_per_file;
  state.counters["cpu_us/MiB"] = cpu * 1e6 / mebibytes;
  state.counters["MiB/s"] = benchmark::Counter(mebibytes, benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(sink, direct, Writer::direct, FileFormat::pcapng)->UseRealTime()->Iterations(2);
BENCHMARK_CAPTURE(sink, splice, Writer::splice, FileFormat::pcapng)->UseRealTime()->Iterations(2);
BENCHMARK_CAPTURE(sink, write, Writer::write, FileFormat::pcapng)->UseRealTime()->Iterations(2);
BENCHMARK_CAPTURE(sink, mmap, Writer::mmap, FileFormat::pcapng)->UseRealTime()->Iterations(2);
BENCHMARK_CAPTURE(sink, mmap_pcap, Writer::mmap, FileFormat::pcap)->UseRealTime()->Iterations(2);

}  // namespace
}  // namespace ringtail::store

BENCHMARK_MAIN();
