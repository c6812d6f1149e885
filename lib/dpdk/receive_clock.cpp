#include "dpdk/receive_clock.hpp"

#include <chrono>
#include <ctime>
#include <rte_ethdev.h>
#include <thread>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace ringtail::dpdk {

namespace {

// The TSC runs at one rate whatever the power state (Intel SDM volume 3, "Invariant TSC"): CPUID 80000007h, EDX bit 8.
// Other architectures' counters always do.
bool tsc_is_invariant() {
#if defined(__x86_64__)
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) != 0 && (edx & (1U << 8)) != 0;
#else
  return true;
#endif
}

struct ClockPair {
  std::uint64_t ticks;
  std::uint64_t wall_ns;
};

// Reads a counter and the wall clock at the same moment, or nearly: the counter before and after, and of a few tries
// the one that was interrupted least.
template <typename ReadTicks, typename ReadWall>
ClockPair read_together(ReadTicks read_ticks, ReadWall read_wall) {
  constexpr int tries = 5;
  ClockPair best{0, 0};
  std::uint64_t best_width = UINT64_MAX;
  for (int attempt = 0; attempt < tries; ++attempt) {
    const std::uint64_t before = read_ticks();
    const std::uint64_t wall_ns = read_wall();
    const std::uint64_t width = read_ticks() - before;
    if (width >= best_width) continue;
    best_width = width;
    best = {before + width / 2, wall_ns};
  }
  return best;
}

}  // namespace

std::uint64_t ReceiveClock::wall_clock_ns() noexcept {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

ReceiveClock::ReceiveClock(const Port& port, TimestampType type)
    : tsc_(static_cast<double>(rte_get_tsc_hz())), port_(port.id()), invariant_tsc_(tsc_is_invariant()) {
  if (type != TimestampType::host) find_stamps(port);
  observe();
}

void ReceiveClock::find_stamps(const Port& port) {
  // Registered by the driver that fills them in.
  stamp_offset_ = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, nullptr);
  const int flag = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, nullptr);
  if (stamp_offset_ < 0 || flag < 0) return;
  stamp_flag_ = std::uint64_t{1} << flag;
  if (port.driver() == "net_pcap") {
    ns_per_stamp_ = 1000;  // drivers/net/pcap/pcap_ethdev.c, eth_pcap_rx(): the file's time in microseconds
  } else {
    measure_device_clock();
  }
}

void ReceiveClock::measure_device_clock() {
  std::uint64_t first = 0;
  if (rte_eth_read_clock(port_, &first) != 0) return;  // the stamps are taken for nanoseconds since 1970
  constexpr std::chrono::milliseconds span{50};
  const auto ticks = [this] {
    std::uint64_t now = 0;
    rte_eth_read_clock(port_, &now);
    return now;
  };
  const ClockPair begin = read_together(ticks, wall_clock_ns);
  std::this_thread::sleep_for(span);
  const ClockPair end = read_together(ticks, wall_clock_ns);
  if (end.ticks <= begin.ticks || end.wall_ns <= begin.wall_ns) return;
  device_.emplace(static_cast<double>(end.ticks - begin.ticks) * 1e9 /
                  static_cast<double>(end.wall_ns - begin.wall_ns));
  device_->observe(end.ticks, end.wall_ns);
}

void ReceiveClock::observe() noexcept {
  const ClockPair now = read_together([] { return rte_rdtsc(); }, wall_clock_ns);
  tsc_.observe(now.ticks, now.wall_ns);
  observed_ticks_ = now.ticks;
  if (!device_) return;
  const std::uint16_t port = port_;
  const ClockPair device = read_together(
      [port] {
        std::uint64_t ticks = 0;
        rte_eth_read_clock(port, &ticks);
        return ticks;
      },
      wall_clock_ns);
  device_->observe(device.ticks, device.wall_ns);
}

}  // namespace ringtail::dpdk
