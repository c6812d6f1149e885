// A bounded queue of small indices that any thread may push to and any thread may pop from, without a lock.
//
// The algorithm is Dmitry Vyukov's bounded MPMC queue: every cell carries a sequence number that says whose turn it is.
//   sequence == position             empty, the producer that claims `position` may write it
//   sequence == position + 1         full, the consumer that claims `position` may read it
//   sequence == position + capacity  empty again, for the next lap
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ringtail::ring {

inline constexpr std::size_t cache_line_bytes = 64;

class IndexQueue {
 public:
  /// `capacity` >= 1; rounded up to a power of two. Allocates once, here.
  explicit IndexQueue(std::uint32_t capacity)
      : mask_(std::bit_ceil(capacity < 2 ? 2U : capacity) - 1), cells_(std::make_unique<Cell[]>(mask_ + 1ULL)) {
    for (std::uint64_t position = 0; position <= mask_; ++position) {
      cells_[position].sequence.store(position, std::memory_order_relaxed);
    }
  }

  /// False when the queue is full.
  bool push(std::uint32_t value) noexcept {
    std::uint64_t position = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[position & mask_];
      // Acquire pairs with the release in pop(): the consumer is done with the cell.
      const std::uint64_t sequence = cell.sequence.load(std::memory_order_acquire);
      if (sequence == position) {
        if (tail_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
          cell.value = value;
          // Release pairs with the acquire in pop(): whoever sees the number sees the value, and all that the pushing
          // thread did before (the last reads of a batch).
          cell.sequence.store(position + 1, std::memory_order_release);
          return true;
        }
      } else if (sequence < position) {
        return false;
      } else {
        position = tail_.load(std::memory_order_relaxed);
      }
    }
  }

  /// False when the queue is empty.
  bool pop(std::uint32_t& value) noexcept {
    std::uint64_t position = head_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[position & mask_];
      const std::uint64_t sequence = cell.sequence.load(std::memory_order_acquire);  // pairs with push()
      if (sequence == position + 1) {
        if (head_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
          value = cell.value;
          cell.sequence.store(position + mask_ + 1, std::memory_order_release);  // pairs with push() of the next lap
          return true;
        }
      } else if (sequence < position + 1) {
        return false;
      } else {
        position = head_.load(std::memory_order_relaxed);
      }
    }
  }

  [[nodiscard]] std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(mask_ + 1); }

 private:
  struct Cell {
    std::atomic<std::uint64_t> sequence{0};
    std::uint32_t value = 0;
  };

  std::uint64_t mask_;
  std::unique_ptr<Cell[]> cells_;
  alignas(cache_line_bytes) std::atomic<std::uint64_t> head_{0};
  alignas(cache_line_bytes) std::atomic<std::uint64_t> tail_{0};
};

}  // namespace ringtail::ring
