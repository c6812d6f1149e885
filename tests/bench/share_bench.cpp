// What lending costs: the publisher for each packet, with 1 to 8 clients attached, and a client for each packet it
// reads. With a copy (lend), as from a kernel ring, and without: as from a DPDK port (lend_in_place), and from a kernel
// ring to those who are trusted with it (lend_ring). One thread plays all parts in turn, and times one of them. What
// balancing costs on top: the hash of a packet's flow, and the dispatch of a batch among the members of a group. And
// how long it takes until a client that sleeps has the packet. What all that saves against a ring for each analyzer is
// for share_paths.py to tell.
//
//   build/release/tests/bench/share_bench --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true

#include <algorithm>
#include <atomic>
#include <benchmark/benchmark.h>
#include <chrono>
#include <thread>
#include <vector>

#include "base/contract.hpp"
#include "fixture/fake_backend.hpp"
#include "fixture/sealed_backend.hpp"
#include "fixture/test_publisher.hpp"
#include "share/flow_hash.hpp"
#include "share/publisher.hpp"
#include "share/share_backend.hpp"

namespace ringtail {
namespace {

using Clock = std::chrono::steady_clock;
using share::Publisher;
using share::ShareBackend;

constexpr std::uint32_t batch_packets = 256;

/// A publisher, its clients, and packets that come from memory larger than the second-level cache, as a ring is.
class Lending {
 public:
  /// `wish` is what each client adds to the device text, and `filter` its filter.
  Lending(std::int64_t clients, std::size_t frame_bytes, const std::string& wish = "", const std::string& filter = "")
      : memory_(16U << 20), frame_bytes_(frame_bytes) {
    for (std::size_t at = 0; at + frame_bytes_ <= memory_.size(); at += frame_bytes_) write_headers(at);
    ids_.push_back(publisher_.add_interface({.name = "bench0", .link_type = link_type::ethernet}).value());
    for (std::int64_t count = 0; count < clients; ++count) {
      std::thread opener([&] {
        sources_.emplace_back(std::move(*ShareBackend::open("ringtail:bench", "bench" + wish, {.filter = filter})));
      });
      while (publisher_.stats().clients == static_cast<std::uint32_t>(count)) publisher_.serve();
      opener.join();
    }
  }
  /// Packets that lie in memory which can be lent as it is.
  void publish_in_place() {
    const Batch batch = lendable().take_unfilled(batch_packets, frame_bytes_);
    base::require(!batch.empty(), "clients give back");
    const auto begin = Clock::now();
    publisher_.publish(batch, ids_);
    publishing_ += Clock::now() - begin;
    published_ += batch_packets;
    base::require(publisher_.stats().copied_bytes == 0, "nothing is copied");
  }
  /// Packets on a packet socket's ring, put there by a fake kernel.
  void publish_ring() {
    Batch batch;
    while (ring().receive(std::chrono::nanoseconds(0), batch) != ReceiveStatus::packets) {
      base::require(ring().kernel().deliver({.bytes = {memory_.data(), frame_bytes_}}), "clients give back");
    }
    const auto begin = Clock::now();
    publisher_.publish(batch, ids_);
    publishing_ += Clock::now() - begin;
    published_ += batch.size();
    base::require(publisher_.stats().copied_bytes == 0, "nothing is copied");
  }
  void publish() {
    for (std::uint32_t index = 0; index < batch_packets; ++index) {
      if (offset_ + frame_bytes_ > memory_.size()) offset_ = 0;
      packets_[index] = {};
      packets_[index].offset = offset_;
      packets_[index].captured_length = packets_[index].wire_length = static_cast<std::uint32_t>(frame_bytes_);
      offset_ += frame_bytes_;
    }
    const auto begin = Clock::now();
    publisher_.publish(packets_, memory_.data(), ids_);
    publishing_ += Clock::now() - begin;
    published_ += batch_packets;
  }
  void read() {
    const auto begin = Clock::now();
    for (Source& source : sources_) {
      const Received got = source.receive(std::chrono::nanoseconds(0));
      for (const PacketView packet : got.batch) bytes_ += packet.wire_length();
      base::require(source.stats().dropped_ring == 0, "nobody is skipped");
    }
    reading_ += Clock::now() - begin;
  }
  void publish_one() { publisher_.publish({packets_.data(), 1}, memory_.data(), ids_); }
  [[nodiscard]] Source& first_source() { return sources_.front(); }
  [[nodiscard]] std::uint64_t published() const { return published_; }
  [[nodiscard]] Clock::duration publishing() const { return publishing_; }
  [[nodiscard]] Clock::duration reading() const { return reading_ / std::max<std::size_t>(sources_.size(), 1); }

 private:
  [[nodiscard]] fixture::FakeBackend& ring() {
    if (!ring_) ring_ = fixture::FakeBackend::on_packet_socket(fixture::small_geometry(16, 1U << 20), batch_packets);
    base::require(ring_ != nullptr, "this process may open packet sockets");
    return *ring_;
  }
  [[nodiscard]] test::SealedBackend& lendable() { return static_cast<test::SealedBackend&>(*in_place_); }
  /// UDP over IPv4: a flow of its own for each of 65,536 packets.
  void write_headers(std::size_t at) {
    const auto put = [&](std::size_t offset, std::size_t value) {
      memory_[at + offset] = static_cast<std::byte>(value);
    };
    const std::size_t flow = at / frame_bytes_;
    put(12, 0x08);
    put(14, 0x45);
    put(23, 17);
    put(28, flow >> 8);
    put(29, flow);
    put(37, 53);
  }
  static Publisher make_publisher() {
    auto publisher = Publisher::create({.name = "bench", .trusts = [](const auto&) { return true; }});
    base::require(publisher.has_value(), "packets can be lent");
    return std::move(*publisher);
  }

  test::RunDirectory directory_;
  detail::BackendPointer in_place_ = test::SealedBackend::create({.batches = 64, .batch_packets = batch_packets});
  std::unique_ptr<fixture::FakeBackend, detail::BackendDeleter> ring_;
  Publisher publisher_ = make_publisher();
  std::vector<std::uint16_t> ids_;
  std::vector<Source> sources_;
  std::vector<std::byte> memory_;
  std::vector<PacketDescriptor> packets_ = std::vector<PacketDescriptor>(batch_packets);
  std::size_t frame_bytes_;
  std::uint64_t offset_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t published_ = 0;  // packets
  Clock::duration publishing_{};
  Clock::duration reading_{};
};

double per_packet_ns(const Lending& lending, Clock::duration time) {
  return std::chrono::duration<double, std::nano>(time).count() / static_cast<double>(lending.published());
}

void lend_by(void (Lending::*publish)(), benchmark::State& state) {
  Lending lending(state.range(0), static_cast<std::size_t>(state.range(1)));
  for (auto round : state) {
    (void)round;
    (lending.*publish)();
    lending.read();
  }
  state.counters["publisher_ns"] = per_packet_ns(lending, lending.publishing());
  state.counters["client_ns"] = per_packet_ns(lending, lending.reading());
}

void lend(benchmark::State& state) {
  lend_by(&Lending::publish, state);
}

/// As lend(), where nothing is copied but descriptors.
void lend_in_place(benchmark::State& state) {
  lend_by(&Lending::publish_in_place, state);
}

/// As lend_in_place(), in a kernel's ring. The last batch of a block is a small one.
void lend_ring(benchmark::State& state) {
  lend_by(&Lending::publish_ring, state);
}

/// As lend(), among the members of a group; compare publisher_ns with lend/clients:1.
void balance(benchmark::State& state) {
  Lending lending(state.range(0), static_cast<std::size_t>(state.range(1)), "?group=bench");
  for (auto round : state) {
    (void)round;
    lending.publish();
    lending.read();
  }
  state.counters["publisher_ns"] = per_packet_ns(lending, lending.publishing());
}

/// As lend(), with a filter that lets everything through.
void filter(benchmark::State& state) {
  Lending lending(state.range(0), 64, "", "udp port 53");
  for (auto round : state) {
    (void)round;
    lending.publish();
    lending.read();
  }
  state.counters["publisher_ns"] = per_packet_ns(lending, lending.publishing());
}

/// From the publisher's call to the client's return from receive(), each on a thread of its own; a packet every 300 us,
/// so that the client sleeps.
void wake_up(benchmark::State& state) {
  Lending lending(1, 64);
  lending.publish();
  lending.read();
  std::atomic<Clock::rep> published_at = 0;
  std::vector<double> microseconds;
  std::thread client([&] {
    for (;;) {
      const Received got = lending.first_source().receive(std::chrono::seconds(1));
      if (got.status == ReceiveStatus::interrupted) return;
      const Clock::duration late = Clock::now().time_since_epoch() - Clock::duration(published_at.load());
      if (!got.batch.empty()) microseconds.push_back(std::chrono::duration<double, std::micro>(late).count());
    }
  });
  for (auto round : state) {
    (void)round;
    std::this_thread::sleep_for(std::chrono::microseconds(300));
    published_at.store(Clock::now().time_since_epoch().count());
    lending.publish_one();
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  lending.first_source().interrupt();
  client.join();
  std::sort(microseconds.begin(), microseconds.end());
  base::require(!microseconds.empty(), "packets arrive");
  state.counters["median_us"] = microseconds[microseconds.size() / 2];
  state.counters["p99_us"] = microseconds[microseconds.size() * 99 / 100];
}

/// The hash alone, of frames that are in the first-level cache.
void hash(benchmark::State& state) {
  std::vector<std::byte> frame(64);
  for (const auto& [at, value] : {std::pair{12, 0x08}, {14, 0x45}, {23, 17}, {37, 53}}) {
    frame[static_cast<std::size_t>(at)] = static_cast<std::byte>(value);
  }
  std::uint32_t flow = 0;
  for (auto round : state) {
    (void)round;
    frame[29] = static_cast<std::byte>(++flow);
    benchmark::DoNotOptimize(share::flow_hash(frame, link_type::ethernet, share::FlowKey::five_tuple, 1));
  }
}
BENCHMARK(hash);
BENCHMARK(wake_up)->Iterations(5000);
BENCHMARK(balance)->ArgNames({"clients", "bytes"})->ArgsProduct({{1, 2, 4, 8}, {64}});
BENCHMARK(filter)->ArgNames({"clients"})->Arg(1)->Arg(8);
BENCHMARK(lend)->ArgNames({"clients", "bytes"})->ArgsProduct({{1, 2, 4, 8}, {64, 512, 1500}});
BENCHMARK(lend_in_place)->ArgNames({"clients", "bytes"})->ArgsProduct({{1, 2, 4, 8}, {64, 512, 1500}});
BENCHMARK(lend_ring)->ArgNames({"clients", "bytes"})->ArgsProduct({{1, 2, 4, 8}, {64, 512, 1500}});

}  // namespace
}  // namespace ringtail

BENCHMARK_MAIN();
