// What it costs per packet to turn ring blocks into file bytes: in place (dilate, compact) and, for comparison, by
// copying into a window. `encode` is the encoder alone, on a block in the second-level cache; the others receive from a
// ring of 16 MiB and contain the walk, which `walk` measures alone. Between rounds the ring is put back as the fake
// kernel filled it, outside the measured time.
//
//   build/release/tests/bench/in_place_bench --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true

#include <benchmark/benchmark.h>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <vector>

#include "base/file_descriptor.hpp"
#include "fixture/fake_backend.hpp"
#include "fixture/numbered_frames.hpp"
#include "pcapfile/in_place_encoder.hpp"
#include "pcapfile/window_encoder.hpp"

namespace ringtail {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t interfaces[] = {0};
constexpr std::uint32_t block_bytes = 1 << 20;
constexpr off_t longest_file_bytes = 64 << 20;

// A full ring; 16 MiB are more than the second-level cache holds, as in a ring in use. Size 0: frames of 64 to 1500
// bytes, in no order that could be predicted.
class FullRing {
 public:
  explicit FullRing(std::size_t frame_bytes,
                    const tpacket::Geometry& geometry = fixture::small_geometry(16, block_bytes),
                    std::uint32_t batch_packets = 256)
      : backend_(new fixture::FakeBackend(geometry, batch_packets)) {
    std::uint32_t random = 1;
    for (;;) {
      random = random * 1664525 + 1013904223;
      const auto frame =
          fixture::make_numbered_frame(packets_, frame_bytes != 0 ? frame_bytes : 64 + (random >> 16) % 1437);
      if (!backend_->kernel().deliver({.bytes = frame, .timestamp_ns = 1'700'000'000'000'000'000 + packets_})) break;
      ++packets_;
    }
    pristine_.assign(backend_->ring().begin(), backend_->ring().end());
  }
  void refill() { std::memcpy(backend_->ring().data(), pristine_.data(), pristine_.size()); }
  [[nodiscard]] fixture::FakeBackend& backend() { return *backend_; }
  [[nodiscard]] std::uint64_t packets() const { return packets_; }

 private:
  std::unique_ptr<fixture::FakeBackend, detail::BackendDeleter> backend_;
  std::vector<std::byte> pristine_;
  std::uint64_t packets_ = 0;
};

// This thread's time on a CPU: whoever shares the machine is not in it.
double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void report(benchmark::State& state, std::uint64_t packets) {
  const auto all_packets = static_cast<double>(state.iterations()) * static_cast<double>(packets);
  state.counters["ns_per_packet"] =
      benchmark::Counter(all_packets / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Runs `use` over every batch of a full ring, again and again.
template <typename Use>
void measure(benchmark::State& state, Use use) {
  FullRing ring(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    ring.refill();
    const double begin = cpu_seconds();
    Batch batch;
    while (ring.backend().receive(0ns, batch) == ReceiveStatus::packets) {
      use(batch);
      batch.reset();
    }
    state.SetIterationTime(cpu_seconds() - begin);
  }
  report(state, ring.packets());
}

void walk(benchmark::State& state) {
  measure(state, [](Batch& batch) { benchmark::DoNotOptimize(batch.slot()); });
}

void encode(benchmark::State& state, FileFormat format, Layout layout) {
  FullRing ring(static_cast<std::size_t>(state.range(0)), fixture::small_geometry(2), 65536);
  Batch batch;
  if (ring.backend().receive(0ns, batch) != ReceiveStatus::packets) return state.SkipWithError("no packets");
  const std::span<const PacketDescriptor> packets(batch.slot()->descriptors, batch.size());
  const auto encoder = pcapfile::make_in_place_encoder(format, layout);
  for (auto _ : state) {
    ring.refill();
    const double begin = cpu_seconds();
    encoder->begin(batch.slot()->in_place, 0);
    encoder->add(packets, interfaces);
    benchmark::DoNotOptimize(encoder->finish(512));
    state.SetIterationTime(cpu_seconds() - begin);
  }
  report(state, packets.size());
}

void in_place(benchmark::State& state, FileFormat format, Layout layout) {
  const auto encoder = pcapfile::make_in_place_encoder(format, layout);
  std::uint64_t file_bytes = 0;
  measure(state, [&](Batch& batch) {
    const detail::InPlace& block = batch.slot()->in_place;
    if (block.is_first()) encoder->begin(block, 0);
    encoder->add({batch.slot()->descriptors, batch.size()}, interfaces);
    if (!block.is_last()) return;
    const auto encoded = encoder->finish(512);
    file_bytes += encoded.end - encoded.begin;
  });
  benchmark::DoNotOptimize(file_bytes);
}

// The same and a direct write of each block: what the larger file of a dilated block costs is in it. Where the two
// layouts meet is the crossover that Layout::automatic goes by.
void in_place_to_disk(benchmark::State& state, Layout layout) {
  const base::FileDescriptor file(
      ::open(std::filesystem::temp_directory_path().c_str(), O_TMPFILE | O_WRONLY | O_DIRECT, 0600));
  if (!file.is_open()) return state.SkipWithError("no direct I/O in the temporary directory");
  const auto encoder = pcapfile::make_in_place_encoder(FileFormat::pcapng, layout);
  off_t end = 0;
  bool is_written = true;
  measure(state, [&](Batch& batch) {
    const detail::InPlace& block = batch.slot()->in_place;
    if (block.is_first()) encoder->begin(block, 0);
    encoder->add({batch.slot()->descriptors, batch.size()}, interfaces);
    if (!block.is_last()) return;
    const auto encoded = encoder->finish(4096);
    const std::uint32_t bytes = encoded.end - encoded.begin;
    is_written =
        is_written && ::pwrite(file.get(), block.base + encoded.begin, bytes, end % longest_file_bytes) == bytes;
    end += bytes;
  });
  if (!is_written) state.SkipWithError("the temporary directory takes no direct writes");
}

void copy_to_window(benchmark::State& state, FileFormat format) {
  const auto encoder = pcapfile::make_window_encoder(format);
  std::vector<std::byte> window(block_bytes);
  std::size_t used = 0;
  measure(state, [&](Batch& batch) {
    std::span<const PacketDescriptor> packets(batch.slot()->descriptors, batch.size());
    while (!packets.empty()) {
      const auto encoded =
          encoder->encode(packets, batch.slot()->memory_base, interfaces, std::span(window).subspan(used));
      used = encoded.packets == 0 ? 0 : used + encoded.bytes;
      packets = packets.subspan(encoded.packets);
    }
  });
}

void sizes(benchmark::internal::Benchmark* bench) {
  for (const int frame_bytes : {64, 256, 512, 1500, 0}) bench->Arg(frame_bytes);
  bench->UseManualTime();
}

void sizes_about_the_crossover(benchmark::internal::Benchmark* bench) {
  for (const int frame_bytes : {64, 128, 192, 256, 320, 384, 512, 1500}) bench->Arg(frame_bytes);
  bench->UseManualTime();
}

BENCHMARK(walk)->Apply(sizes);
BENCHMARK_CAPTURE(encode, dilate, FileFormat::pcapng, Layout::dilate)->Apply(sizes);
BENCHMARK_CAPTURE(encode, compact_pcapng, FileFormat::pcapng, Layout::compact)->Apply(sizes);
BENCHMARK_CAPTURE(encode, compact_pcap, FileFormat::pcap, Layout::compact)->Apply(sizes);
BENCHMARK_CAPTURE(encode, compact_nsecpcap, FileFormat::nsecpcap, Layout::compact)->Apply(sizes);
BENCHMARK_CAPTURE(in_place, dilate, FileFormat::pcapng, Layout::dilate)->Apply(sizes);
BENCHMARK_CAPTURE(in_place, compact_pcapng, FileFormat::pcapng, Layout::compact)->Apply(sizes);
BENCHMARK_CAPTURE(in_place, compact_pcap, FileFormat::pcap, Layout::compact)->Apply(sizes);
BENCHMARK_CAPTURE(in_place, compact_nsecpcap, FileFormat::nsecpcap, Layout::compact)->Apply(sizes);
BENCHMARK_CAPTURE(in_place_to_disk, dilate, Layout::dilate)->Apply(sizes_about_the_crossover);
BENCHMARK_CAPTURE(in_place_to_disk, compact, Layout::compact)->Apply(sizes_about_the_crossover);
BENCHMARK_CAPTURE(copy_to_window, pcapng, FileFormat::pcapng)->Apply(sizes);
BENCHMARK_CAPTURE(copy_to_window, pcap, FileFormat::pcap)->Apply(sizes);

}  // namespace
}  // namespace ringtail

BENCHMARK_MAIN();
