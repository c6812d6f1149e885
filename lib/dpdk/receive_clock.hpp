// When a packet arrived: by the device's own stamp where it has one, else by the TSC at the moment it was fetched.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include <ringtail/options.hpp>

#include "dpdk/host_clock.hpp"
#include "dpdk/port.hpp"
#include "ring/owned_counter.hpp"

namespace ringtail::dpdk {

/// Belongs to the receiving thread.
class ReceiveClock {
 public:
  ReceiveClock(const Port& port, TimestampType type);

  /// Nanoseconds since 1970, for packets fetched just now. Once per burst.
  [[nodiscard]] std::uint64_t now_ns() noexcept {
    const std::uint64_t ticks = host_.now_ticks();
    if (device_ && ticks - observed_ticks_ >= rte_get_tsc_hz()) [[unlikely]]
      observe_device(ticks);
    return host_.to_ns(ticks);
  }

  /// True when any packet can carry a stamp: stamp_of() is worth asking.
  [[nodiscard]] bool device_stamps() const noexcept { return stamp_flag_ != 0; }

  /// The device's stamp of this packet, when it has one: if the clock is to be synchronised, one that is possible for
  /// what was fetched at `fetched_ns`.
  [[nodiscard]] std::optional<std::uint64_t> stamp_of(const rte_mbuf& packet, std::uint64_t fetched_ns) noexcept {
    if ((packet.ol_flags & stamp_flag_) == 0) return std::nullopt;
    const std::uint64_t ticks = *RTE_MBUF_DYNFIELD(&packet, stamp_offset_, const rte_mbuf_timestamp_t*);
    const std::uint64_t stamp_ns = device_ ? device_->to_ns(ticks) : ticks * ns_per_stamp_;
    if (!synchronised_ || is_possible(stamp_ns, fetched_ns)) return stamp_ns;
    ring::add_by_owner(impossible_stamps_, 1);
    return std::nullopt;
  }

  /// Stamps that stamp_of() took for those of a clock that is not synchronised. Any thread.
  [[nodiscard]] std::uint64_t impossible_stamps() const noexcept {
    return impossible_stamps_.load(std::memory_order_relaxed);
  }

  /// For people who read the file: whose clock it is.
  [[nodiscard]] const char* description() const noexcept;

 private:
  /// A packet may have waited long, but it does not come from the future.
  static bool is_possible(std::uint64_t stamp_ns, std::uint64_t fetched_ns) noexcept {
    constexpr std::uint64_t longest_wait_ns = 3600ULL * 1'000'000'000;
    constexpr std::uint64_t largest_offset_ns = 1'000'000'000;
    return stamp_ns + longest_wait_ns >= fetched_ns && stamp_ns <= fetched_ns + largest_offset_ns;
  }
  void find_stamps(const Port& port);
  void measure_device_clock();
  void observe_device(std::uint64_t host_ticks) noexcept;

  HostClock host_;
  std::optional<ClockModel> device_;  // where the stamps are ticks of a clock that can be read
  std::uint64_t observed_ticks_ = 0;  // of the host, when the device was asked last
  std::uint64_t stamp_flag_ = 0;
  std::uint64_t ns_per_stamp_ = 1;
  int stamp_offset_ = 0;
  std::uint16_t port_;
  TimestampType type_;
  bool synchronised_;  // is what the user asked for
  std::atomic<std::uint64_t> impossible_stamps_{0};
};

}  // namespace ringtail::dpdk
