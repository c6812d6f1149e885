// The last packets of one ring, kept by not giving their memory back.
//
//   the ring   | free, the kernel's | oldest held | .... | newest held | the kernel writes here |
//                                     ^ given back first, and what the kernel comes to next
//
// Nothing is looked at and nothing is copied: a batch goes in at one end and comes out at the other.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include <ringtail/batch.hpp>

#include "flight_limits.hpp"

namespace ringtail::daemon {

/// A batch on its way from a history into a file.
struct HeldBatch {
  Batch batch;
  std::size_t slot = 0;
  std::chrono::steady_clock::time_point received_at{};
};

/// Threads: one. All memory is allocated here, and batches that do not fit any more are given back, oldest first.
class FlightHistory {
 public:
  using Clock = std::chrono::steady_clock;

  explicit FlightHistory(const FlightLimits& limits) : limits_(limits), places_(limits.batches) {}

  /// It is held even if it alone is more than `bytes`.
  void hold(Batch&& batch, Clock::time_point now);
  /// Gives back what is too old.
  void expire(Clock::time_point now);
  /// Gives back the block that has been held longest, if any.
  void give_back_oldest_block();
  void clear();

  /// Moves the first packet that is not older than `since_ns` (by its timestamp), and all that follow, to the end of
  /// `taken`. What stands before it stays; but those in the same batch are given up.
  void take_since(std::uint64_t since_ns, std::size_t slot, std::vector<HeldBatch>& taken);

  [[nodiscard]] std::uint64_t held_packets() const noexcept { return packets_; }
  [[nodiscard]] std::uint64_t held_bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint32_t held_blocks() const noexcept { return blocks_; }
  [[nodiscard]] std::chrono::nanoseconds held_time(Clock::time_point now) const noexcept;
  /// Packets given back unused.
  [[nodiscard]] std::uint64_t expired_packets() const noexcept { return expired_; }

 private:
  struct Held {
    Batch batch;
    Clock::time_point received_at{};
  };

  [[nodiscard]] Held& at(std::uint32_t position) noexcept;
  void push(Held&& held);
  [[nodiscard]] Held pop();
  void give_back_oldest();

  FlightLimits limits_;
  std::vector<Held> places_;  // a circle
  std::uint32_t first_ = 0;   // the oldest's place
  std::uint32_t count_ = 0;
  std::uint32_t blocks_ = 0;  // that the batches lie in
  std::uint64_t packets_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t expired_ = 0;
};

}  // namespace ringtail::daemon
