// Puts the packets of several sources into the order of their time stamps, holding batches back as long as an earlier
// packet may still come, and no longer.
//
//   source 0   ...batch batch]         heard of up to 12:00:03.1 ┐
//   source 1   ...batch]               heard of up to 12:00:02.7 ┘ everything up to 12:00:02.7, less `disorder`, may go
//   source 2   (silent)                then everything waits for `patience` since it came
//
// Nothing is copied: packets go as runs of a batch that lie in order behind each other, and a batch is given back when
// its last packet has gone.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <ringtail/batch.hpp>

namespace ringtail::ring {

/// Threads: one.
class TimeOrder {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    /// A batch waits this long for a source of which nothing has been heard. With the kernel ring: longer than a packet
    /// may lie in a block that is not full.
    std::chrono::nanoseconds patience{250'000'000};
    /// Packets of one source come out of order by at most this much: processors stamp first and queue afterwards.
    std::chrono::nanoseconds disorder{5'000'000};
    std::size_t most_batches = 512;  ///< held; at least 1
    std::uint32_t ring_parts = 2;    ///< of a ring's blocks one of so many parts is held, at most
  };

  TimeOrder(std::size_t sources, Options options);

  /// Takes a batch over. There must be room: emit() before.
  void add(std::size_t source, Batch&& batch, Clock::time_point now);
  /// The source has ended: nobody waits for it until it is heard of again.
  void end(std::size_t source) noexcept { heard_ns_[source] = forever; }

  /// Calls take(source, batch, first, count) for all packets that may go: those `count` of the batch from `first` on.
  template <typename Take>
  void emit(Clock::time_point now, Take&& take) {
    const std::uint64_t heard_ns = heard_of_all_ns();
    while (!heap_.empty()) {
      const std::uint64_t limit_ns = limit_for_earliest_ns(now, heard_ns);
      if (heap_.front().next_ns > limit_ns) return;
      emit_run(limit_ns, take);
    }
  }
  /// All that is held, waiting for nothing.
  template <typename Take>
  void emit_all(Take&& take) {
    while (!heap_.empty()) emit_run(forever, take);
  }

  [[nodiscard]] std::size_t held_batches() const noexcept { return heap_.size(); }
  /// Packets that came when later ones had already gone.
  [[nodiscard]] std::uint64_t late_packets() const noexcept { return late_; }

 private:
  static constexpr std::uint64_t forever = std::numeric_limits<std::uint64_t>::max();

  struct Held {
    Batch batch;
    std::size_t source = 0;
    Clock::time_point came{};
    std::uint32_t next = 0;            // of `order`, or of the batch where that is empty
    std::vector<std::uint32_t> order;  // the packets by time, where the batch is not in order itself
    [[nodiscard]] std::uint32_t index_at(std::uint32_t position) const noexcept {
      return order.empty() ? position : order[position];
    }
    [[nodiscard]] std::uint64_t next_ns() const noexcept { return batch[index_at(next)].timestamp_ns(); }
  };
  struct Entry {  // of the heap
    std::uint64_t next_ns;
    std::uint32_t held;
    [[nodiscard]] bool operator>(const Entry& other) const noexcept { return next_ns > other.next_ns; }
  };

  [[nodiscard]] std::uint64_t heard_of_all_ns() const noexcept;
  [[nodiscard]] bool is_short_of_room() const noexcept;
  [[nodiscard]] std::uint64_t limit_for_earliest_ns(Clock::time_point now, std::uint64_t heard_ns) const noexcept;
  [[nodiscard]] std::uint32_t run_length(const Held& held, std::uint64_t limit_ns) const noexcept;
  void advance(std::uint32_t count);

  template <typename Take>
  void emit_run(std::uint64_t limit_ns, Take&& take) {
    const Held& held = held_[heap_.front().held];
    const std::uint32_t count = run_length(held, limit_ns);
    take(held.source, held.batch, held.index_at(held.next), count);
    advance(count);
  }

  const Options options_;
  std::vector<std::uint64_t> heard_ns_;     // by source: its latest time stamp
  std::vector<std::uint32_t> blocks_;       // by source: of its ring, held by batches here
  std::vector<std::uint32_t> block_count_;  // by source: of its ring; 0: it has none
  std::vector<Held> held_;
  std::vector<std::uint32_t> free_;
  std::vector<Entry> heap_;  // by time, the earliest in front
  std::uint64_t gone_ns_ = 0;
  std::uint64_t late_ = 0;
};

}  // namespace ringtail::ring
