// The books of a source. Every packet is in exactly one of these figures.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace ringtail {

/// Figures since the source was opened: 64 bits, never reset, only growing.
///
/// At every moment after end_of_stream:  received = delivered + dropped_ring + unread.
/// While capturing, `unread` is what waits in the ring.
struct Stats {
  std::uint64_t received = 0;      ///< packets that passed the filter, drops included
  std::uint64_t delivered = 0;     ///< packets handed out in batches (and not cut off by Batch::keep_first)
  std::uint64_t dropped_ring = 0;  ///< lost because the ring had no free block
  std::uint64_t unread = 0;        ///< in the ring when the capture ended, or waiting there now
  /// Lost before the ring, by the NIC or a kernel queue; of all protocols. Every member of a fanout is told all of it.
  /// The kernel counts here, too, a tagged frame that the ring did get but no protocol of this machine wanted
  /// (rx_dropped; __netif_receive_skb_core(), net/core/dev.c). It cannot be told from one that a full backlog refused.
  std::uint64_t dropped_interface = 0;
  std::uint64_t freezes = 0;          ///< times the kernel found no free block and froze the ring
  std::uint64_t truncated = 0;        ///< packets cut for want of room (not by the snaplen)
  std::uint64_t delivered_bytes = 0;  ///< captured bytes of the delivered packets
  std::uint64_t malformed = 0;        ///< records given up because what the producer wrote was impossible

  /// Adds what another source counted, every figure.
  Stats& operator+=(const Stats& other) noexcept {
    received += other.received;
    delivered += other.delivered;
    dropped_ring += other.dropped_ring;
    unread += other.unread;
    dropped_interface += other.dropped_interface;
    freezes += other.freezes;
    truncated += other.truncated;
    delivered_bytes += other.delivered_bytes;
    malformed += other.malformed;
    return *this;
  }

  /// Adds another member of the same fanout: its counters are its own, but the interface's losses every member is told
  /// whole.
  Stats& add_member(const Stats& member) noexcept {
    const std::uint64_t of_the_interface = std::max(dropped_interface, member.dropped_interface);
    *this += member;
    dropped_interface = of_the_interface;
    return *this;
  }
};

/// A figure that only one kind of source has: drops by cause, memory in use. Not all of them only grow.
struct Counter {
  std::string_view name;  ///< a literal: "imissed"
  std::uint64_t value = 0;
};

}  // namespace ringtail
