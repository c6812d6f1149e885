// When a packet arrived: by the device's own stamp where it has one, else by the TSC at the moment it was fetched.
#pragma once

#include <cstdint>
#include <optional>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include <ringtail/options.hpp>

#include "dpdk/clock_model.hpp"
#include "dpdk/port.hpp"

namespace ringtail::dpdk {

/// Belongs to the receiving thread. Reading a clock is a few instructions; once a second it is compared with the wall
/// clock, on the burst that comes first.
class ReceiveClock {
 public:
  ReceiveClock(const Port& port, TimestampType type);

  /// Nanoseconds since 1970, for packets fetched just now. Once per burst.
  [[nodiscard]] std::uint64_t now_ns() noexcept {
    const std::uint64_t ticks = rte_rdtsc();
    if (ticks - observed_ticks_ >= rte_get_tsc_hz()) [[unlikely]]
      observe();
    return invariant_tsc_ ? tsc_.to_ns(ticks) : wall_clock_ns();
  }

  /// True when any packet can carry a stamp: stamp_of() is worth asking.
  [[nodiscard]] bool device_stamps() const noexcept { return stamp_flag_ != 0; }

  /// The device's stamp of this packet, when it has one.
  [[nodiscard]] std::optional<std::uint64_t> stamp_of(const rte_mbuf& packet) const noexcept {
    if ((packet.ol_flags & stamp_flag_) == 0) return std::nullopt;
    const std::uint64_t ticks = *RTE_MBUF_DYNFIELD(&packet, stamp_offset_, const rte_mbuf_timestamp_t*);
    return device_ ? device_->to_ns(ticks) : ticks * ns_per_stamp_;
  }

 private:
  static std::uint64_t wall_clock_ns() noexcept;
  void find_stamps(const Port& port);
  void measure_device_clock();
  void observe() noexcept;

  ClockModel tsc_;
  std::optional<ClockModel> device_;  // where the stamps are ticks of a clock that can be read
  std::uint64_t observed_ticks_ = 0;
  std::uint64_t stamp_flag_ = 0;
  std::uint64_t ns_per_stamp_ = 1;
  int stamp_offset_ = 0;
  std::uint16_t port_;
  bool invariant_tsc_;
};

}  // namespace ringtail::dpdk
