#include "dpdk/host_clock.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace ringtail::dpdk {

namespace {

// The time between the first two looks at both clocks; it doubles until it is a second.
constexpr std::uint64_t looks_per_second_at_first = 100;

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

}  // namespace

std::uint64_t wall_clock_ns() noexcept {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

HostClock::HostClock()
    : tsc_(static_cast<double>(rte_get_tsc_hz())),
      interval_ticks_(rte_get_tsc_hz() / looks_per_second_at_first),
      invariant_tsc_(tsc_is_invariant()) {
  observe();
  std::this_thread::sleep_for(std::chrono::seconds(1) / looks_per_second_at_first);
  observe();
}

void HostClock::observe() noexcept {
  const ClockPair now = read_with_wall_clock([] { return rte_rdtsc(); });
  tsc_.observe(now.ticks, now.wall_ns);
  observed_ticks_ = now.ticks;
  interval_ticks_ = std::min(2 * interval_ticks_, rte_get_tsc_hz());
}

}  // namespace ringtail::dpdk
