// What the library's receive -> touch every view -> release costs on top of a bare hand-written walk over the same
// blocks. Both read memory that a fake kernel filled once; only the blocks' status words are put back between laps.
//
//   build/release/tests/bench/receive_bench --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true

#include <array>
#include <benchmark/benchmark.h>
#include <random>
#include <vector>

#include "fixture/fake_backend.hpp"
#include "fixture/numbered_frames.hpp"
#include "tpacket/block.hpp"

namespace ringtail {
namespace {

using fixture::FakeBackend;
using namespace std::chrono_literals;

// What routers are tested with: seven small frames to four middling ones and a full one ("simple IMIX"), shuffled.
constexpr std::array<std::size_t, 12> internet_mix = {64, 64, 64, 64, 64, 64, 64, 594, 594, 594, 594, 1518};

// A full ring of 16 MiB: larger than the second-level cache, as a ring in use is.
class FullRing {
 public:
  /// Frames of `frame_bytes`, or of mixed sizes where that is 0.
  explicit FullRing(std::size_t frame_bytes)
      : geometry_(fixture::small_geometry(16, 1 << 20)), backend_(new FakeBackend(geometry_)) {
    std::mt19937 random(1);
    const auto next_bytes = [&] { return frame_bytes != 0 ? frame_bytes : internet_mix[random() % 12]; };
    while (backend_->kernel().deliver({.bytes = fixture::make_numbered_frame(1, next_bytes())})) ++packets_;
    for (std::uint32_t block = 0; block < geometry_.block_count; ++block) counts_.push_back(header(block).num_pkts);
  }

  [[nodiscard]] tpacket_hdr_v1& header(std::uint32_t block) {
    return reinterpret_cast<tpacket_block_desc*>(backend_->ring().data() + std::size_t{block} * geometry_.block_bytes)
        ->hdr.bh1;
  }
  void refill() {
    for (std::uint32_t block = 0; block < geometry_.block_count; ++block) {
      header(block).num_pkts = counts_[block];
      header(block).block_status = TP_STATUS_USER;
    }
  }
  [[nodiscard]] FakeBackend& backend() { return *backend_; }
  [[nodiscard]] const tpacket::Geometry& geometry() const { return geometry_; }
  [[nodiscard]] std::uint64_t packets() const { return packets_; }

 private:
  tpacket::Geometry geometry_;
  std::unique_ptr<FakeBackend, detail::BackendDeleter> backend_;
  std::vector<std::uint32_t> counts_;
  std::uint64_t packets_ = 0;
};

void report(benchmark::State& state, const FullRing& ring) {
  const auto packets = static_cast<double>(state.iterations()) * static_cast<double>(ring.packets());
  state.counters["ns_per_packet"] =
      benchmark::Counter(packets / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

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
