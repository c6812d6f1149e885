// A ring that a fake kernel has filled once; only the blocks' status words are put back between laps.
#pragma once

#include <array>
#include <benchmark/benchmark.h>
#include <memory>
#include <random>
#include <vector>

#include "fixture/fake_backend.hpp"
#include "fixture/numbered_frames.hpp"
#include "tpacket/block.hpp"

namespace ringtail::bench {

// What routers are tested with: seven small frames to four middling ones and a full one ("simple IMIX"), shuffled.
inline constexpr std::array<std::size_t, 12> internet_mix = {64, 64, 64, 64, 64, 64, 64, 594, 594, 594, 594, 1518};

// A full ring of 16 MiB: larger than the second-level cache, as a ring in use is.
class FullRing {
 public:
  /// Frames of `frame_bytes`, or of mixed sizes where that is 0.
  explicit FullRing(std::size_t frame_bytes, std::uint32_t batch_packets = 256)
      : geometry_(fixture::small_geometry(16, 1 << 20)), backend_(new fixture::FakeBackend(geometry_, batch_packets)) {
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
    for (std::uint32_t block = 0; block < geometry_.block_count; ++block) refill(block);
  }
  /// `block` has been given back.
  void refill(std::uint32_t block) {
    header(block).num_pkts = counts_[block];
    header(block).block_status = TP_STATUS_USER;
  }
  [[nodiscard]] fixture::FakeBackend& backend() { return *backend_; }
  [[nodiscard]] const tpacket::Geometry& geometry() const { return geometry_; }
  [[nodiscard]] std::uint64_t packets() const { return packets_; }

 private:
  tpacket::Geometry geometry_;
  std::unique_ptr<fixture::FakeBackend, detail::BackendDeleter> backend_;
  std::vector<std::uint32_t> counts_;
  std::uint64_t packets_ = 0;
};

inline void report(benchmark::State& state, const FullRing& ring) {
  const auto packets = static_cast<double>(state.iterations()) * static_cast<double>(ring.packets());
  state.counters["ns_per_packet"] =
      benchmark::Counter(packets / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

}  // namespace ringtail::bench
