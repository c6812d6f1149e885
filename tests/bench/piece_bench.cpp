// What it costs to get packets out of mbufs into a file that splice(2) writes: copied together first, or passed from
// where they lie. Process CPU time per packet, encoding included. Packets come from 64 MiB of memory, one to an mbuf,
// so most of them are in no cache, as behind a device that is busy.
//
//   RINGTAIL_BENCH_DIR=/dev/shm build/release/tests/bench/piece_bench --benchmark_repetitions=5
//   --benchmark_enable_random_interleaving=true

#include <benchmark/benchmark.h>
#include <cstdlib>
#include <filesystem>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mapping.hpp"
#include "pcapfile/window_encoder.hpp"
#include "store/capture_file.hpp"
#include "store/make_sink.hpp"

namespace ringtail::store {
namespace {

constexpr std::size_t memory_bytes = std::size_t{64} << 20;
constexpr std::size_t file_bytes = std::size_t{256} << 20;
constexpr std::size_t headroom_bytes = 128;
constexpr std::size_t batch_packets = 256;
constexpr std::uint32_t interface_ids[] = {0};

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
  return (parent / ("ringtail-piece-bench-" + std::to_string(::getpid()))).string();
}

/// Mbufs as DPDK's pools have them: descriptors point behind the headroom.
class Mbufs {
 public:
  explicit Mbufs(std::uint32_t packet_bytes) : memory_(base::Mapping::anonymous(memory_bytes).value()) {
    ::madvise(memory_.data(), memory_.size(), MADV_HUGEPAGE);
    std::ranges::fill(memory_.memory(), std::byte{0x5A});
    const std::size_t room = packet_bytes <= 2048 ? 2048 : 16384;
    const std::size_t mbuf_bytes = 2 * headroom_bytes + room;  // rte_mbuf, headroom, data
    for (std::size_t at = 0; at + mbuf_bytes <= memory_.size(); at += mbuf_bytes) {
      PacketDescriptor packet{};
      packet.offset = at + 2 * headroom_bytes;
      packet.timestamp_ns = 1'700'000'000'000'000'000;
      packet.captured_length = packet_bytes;
      packet.wire_length = packet_bytes;
      packet.flags = packet_flags::inbound;
      packets_.push_back(packet);
    }
  }
  [[nodiscard]] std::byte* base() noexcept { return memory_.data(); }
  [[nodiscard]] std::span<const PacketDescriptor> next_batch() noexcept {
    const std::size_t count = std::min(batch_packets, packets_.size());
    if (at_ + count > packets_.size()) at_ = 0;
    return std::span(packets_).subspan(std::exchange(at_, at_ + count), count);
  }

 private:
  base::Mapping memory_;
  std::vector<PacketDescriptor> packets_;
  std::size_t at_ = 0;
};

void write_file(CaptureFile& file, Mbufs& mbufs, bool in_pieces) {
  while (file.taken().bytes < file_bytes && file.failure() == nullptr) {
    const auto packets = mbufs.next_batch();
    if (in_pieces) {
      benchmark::DoNotOptimize(file.pass_packets(packets, mbufs.base(), interface_ids, {}));
    } else {
      benchmark::DoNotOptimize(file.copy_packets(packets, mbufs.base(), interface_ids, {}));
    }
  }
  file.finish();
}

void store_packets(benchmark::State& state, bool in_pieces) {
  const std::string path = bench_path();
  Mbufs mbufs(static_cast<std::uint32_t>(state.range(0)));
  const auto staging = StagingPool::create(8, std::size_t{1} << 20).value();
  const auto encoder = pcapfile::make_window_encoder(FileFormat::pcapng);
  const auto piece_encoder = pcapfile::make_piece_encoder(FileFormat::pcapng);
  double cpu = 0;
  std::uint64_t packets = 0;
  for (auto _ : state) {
    auto sink = make_sink(open_output(path, false).value(), Writer::splice, FileFormat::pcapng).value();
    CaptureFile file(std::move(sink), FileFormat::pcapng, *staging, *encoder, *piece_encoder);
    const double before = cpu_seconds();
    write_file(file, mbufs, in_pieces);
    cpu += cpu_seconds() - before;
    packets += file.taken().packets;
    if (file.failure() != nullptr) state.SkipWithError(file.failure()->message().c_str());
    std::filesystem::remove(path);
  }
  state.counters["cpu_ns/packet"] = cpu * 1e9 / static_cast<double>(packets);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("bytes")->Arg(64)->Arg(256)->Arg(512)->Arg(1000)->Arg(1500)->Arg(3000)->Arg(9000)->Iterations(1);
}
BENCHMARK_CAPTURE(store_packets, copied, false)->Apply(sizes);
BENCHMARK_CAPTURE(store_packets, in_pieces, true)->Apply(sizes);

}  // namespace
}  // namespace ringtail::store

BENCHMARK_MAIN();
