// The clock by which a DPDK application stamps the copies it makes for a tap, read from outside.
#pragma once

#include <cstdint>

namespace ringtail::dpdk {

/// rte_pcapng_copy() of DPDK 22.11 runs in the application and writes nanoseconds into each copy: the wall clock's at
/// its first packet, counted on by the TSC at the rate that DPDK takes it for (rounded to 10 MHz where DPDK had to
/// measure it). Such a clock is wrong by up to two milliseconds more every second, and nobody sets it right.
///
/// What can be had from it is the TSC's reading, which is the same in every process:  stamp = TSC * 1e9 / rate +
/// offset. The rate is known, the offset is not, but it never changes; and no packet is found before it was stamped. So
/// the offset is the one with which the quickest packet so far took no time at all, and each quicker one makes it
/// better: with some traffic it is less than a microsecond off, and always to the same side (stamps too late). Packets
/// that were too late already do not let later ones stand before them: those are as late as they, until the better
/// offset has caught up.
///
/// Two threads of an application that stamp at the same moment can make its clock jump (pcapng_tsc_to_ns() moves it on
/// without a lock). Forward is noticed at the next packet; backward by a packet that seems old, though the ring was
/// just empty.
///
/// One thread at a time.
class StampClock {
 public:
  explicit StampClock(std::uint64_t ticks_per_second) noexcept;

  /// A look at the ring at `now_ticks`. `empty_ticks`: the look before this one found nothing in it; 0 when it did.
  void begin_look(std::uint64_t now_ticks, std::uint64_t empty_ticks) noexcept;

  /// A stamp that this look found.
  void observe(std::uint64_t stamp) noexcept;

  /// The TSC's reading at a stamp that this look found.
  [[nodiscard]] std::uint64_t to_ticks(std::uint64_t stamp) const noexcept {
    const std::uint64_t ticks = by_offset(stamp);
    return static_cast<std::int64_t>(ticks - floor_ticks_) < 0 ? floor_ticks_ : ticks;
  }

 private:
  [[nodiscard]] std::uint64_t by_offset(std::uint64_t stamp) const noexcept {
    const std::int64_t age_ns = delay_ns(stamp) - least_delay_ns_;
    return now_ticks_ - static_cast<std::uint64_t>(static_cast<double>(age_ns) * ticks_per_ns_);
  }

  // Modulo 2^64 on purpose: the two clocks have nothing to do with each other.
  [[nodiscard]] std::int64_t delay_ns(std::uint64_t stamp) const noexcept {
    return static_cast<std::int64_t>(now_ns_ - stamp);
  }

  double ticks_per_ns_;
  std::uint64_t ticks_per_second_;
  std::uint64_t now_ticks_ = 0;
  std::uint64_t now_ns_ = 0;  // the TSC as the application's clock counts it
  std::int64_t least_delay_ns_ = 0;
  std::uint64_t latest_stamp_ = 0;
  std::uint64_t given_ticks_ = 0;  // the latest that looks before this one came to
  std::uint64_t floor_ticks_ = 0;  // of this, when the offset was made better
  bool was_just_empty_ = false;
  bool observed_ = false;
};

}  // namespace ringtail::dpdk
