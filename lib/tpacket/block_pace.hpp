// When the next block may be expected, so that a busy ring is not asked for it.
//
// Waiting with poll() or epoll on a packet socket takes the socket's queue lock (packet_poll(), af_packet.c), which the
// kernel's receive path takes for every packet. At a million packets per second that wait for the lock was half of the
// CPU time of a whole capture. A thread that sleeps by the clock instead touches nothing the kernel needs.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace ringtail::tpacket {

/// When a block was opened for packets and closed again: CLOCK_REALTIME, as the kernel writes it into the block.
struct BlockTimes {
  std::uint64_t opened_ns = 0;
  std::uint64_t closed_ns = 0;
};

/// Foretells blocks from how long the last one took to fill. A step of the clock costs at worst one wait by poll().
class BlockPace {
 public:
  /// `patience`: how long a full block may wait to be noticed.
  BlockPace(std::uint32_t block_count, std::chrono::nanoseconds patience) noexcept
      : most_blocks_(block_count / ring_share), patience_ns_(static_cast<std::uint64_t>(patience.count())) {}

  /// How long to sleep without asking, when `last` was the last block that came. Zero: there is no telling (slow or no
  /// traffic, or it has changed), so wait for the event.
  [[nodiscard]] std::chrono::nanoseconds nap(const BlockTimes& last, std::uint64_t now_ns) const noexcept {
    if (most_blocks_ == 0 || last.closed_ns <= last.opened_ns || now_ns < last.closed_ns) return {};
    const std::uint64_t fill_ns = last.closed_ns - last.opened_ns;
    if (fill_ns > longest_fill_ns) return {};
    const std::uint64_t passed_ns = now_ns - last.closed_ns;
    const std::uint64_t due_ns = std::max(fill_ns, std::min(most_blocks_ * fill_ns, patience_ns_));
    if (passed_ns >= due_ns + 2 * fill_ns) return {};
    const std::uint64_t left_ns = passed_ns < due_ns ? due_ns - passed_ns : fill_ns / 8;
    return std::chrono::nanoseconds(std::max(left_ns, shortest_nap_ns));
  }

 private:
  static constexpr std::uint32_t ring_share = 16;  // a nap lets so much of the ring fill; traffic may grow meanwhile
  static constexpr std::uint64_t longest_fill_ns = 10'000'000;  // slower blocks are worth a system call each
  static constexpr std::uint64_t shortest_nap_ns = 50'000;  // the kernel's default timer slack: less is not to be had

  std::uint64_t most_blocks_;
  std::uint64_t patience_ns_;
};

}  // namespace ringtail::tpacket
