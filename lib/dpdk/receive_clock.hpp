// When a packet arrived: by the device's own stamp where it has one, else by the TSC at the moment it was fetched.
#pragma once

#include <cstdint>
#include <optional>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include <ringtail/options.hpp>

#include "dpdk/host_clock.hpp"
#include "dpdk/port.hpp"

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

  /// The device's stamp of this packet, when it has one.
  [[nodiscard]] std::optional<std::uint64_t> stamp_of(const rte_mbuf& packet) const noexcept {
    if ((packet.ol_flags & stamp_flag_) == 0) return std::nullopt;
    const std::uint64_t ticks = *RTE_MBUF_DYNFIELD(&packet, stamp_offset_, const rte_mbuf_timestamp_t*);
    return device_ ? device_->to_ns(ticks) : ticks * ns_per_stamp_;
  }

 private:
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
};

}  // namespace ringtail::dpdk
