// A bounded queue from one thread to one other, without a lock: how batches get from the thread that receives them to
// the one that writes them.
//
//   head_                    tail_                  both only grow; a place is their value modulo the capacity
//     | item | item | item |      |      |
//     consumer takes here    producer puts here
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <utility>

#include "ring/index_queue.hpp"

namespace ringtail::ring {

/// `Item` is movable without failure, and empty when default-made and when moved from.
template <typename Item>
class HandOverQueue {
 public:
  /// `capacity` >= 1; rounded up to a power of two. Allocates once, here.
  explicit HandOverQueue(std::uint32_t capacity)
      : mask_(std::bit_ceil(capacity) - 1), places_(std::make_unique<Item[]>(mask_ + 1ULL)) {}

  /// False when the queue is full; the item then stays with the caller. The producer's thread.
  [[nodiscard]] bool push(Item&& item) noexcept {
    if (!has_room()) return false;
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // ours
    places_[tail & mask_] = std::move(item);
    tail_.store(tail + 1, std::memory_order_release);  // pairs with pop(): the item is in its place
    return true;
  }

  /// True when `places` more items, at least, would find room. The producer's thread.
  [[nodiscard]] bool has_room(std::uint32_t places = 1) noexcept {
    const std::uint64_t wanted = tail_.load(std::memory_order_relaxed) + places;  // ours
    if (wanted - known_head_ <= mask_ + 1) return true;
    known_head_ = head_.load(std::memory_order_acquire);  // pairs with pop(): the places have been emptied
    return wanted - known_head_ <= mask_ + 1;
  }

  /// True when all that was pushed has been taken. The producer's thread.
  [[nodiscard]] bool is_empty() noexcept { return has_room(static_cast<std::uint32_t>(mask_ + 1)); }

  /// False when the queue is empty. The consumer's thread.
  [[nodiscard]] bool pop(Item& item) noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);  // ours
    if (head == known_tail_) {
      known_tail_ = tail_.load(std::memory_order_acquire);  // pairs with push()
      if (head == known_tail_) return false;
    }
    item = std::move(places_[head & mask_]);
    head_.store(head + 1, std::memory_order_release);  // pairs with push() of the next lap
    return true;
  }

  /// True when pop() would find something. The consumer's thread.
  [[nodiscard]] bool has_item() const noexcept {
    return tail_.load(std::memory_order_acquire) != head_.load(std::memory_order_relaxed);
  }

 private:
  std::uint64_t mask_;
  std::unique_ptr<Item[]> places_;
  alignas(cache_line_bytes) std::atomic<std::uint64_t> head_{0};
  std::uint64_t known_tail_ = 0;  // the consumer's last look at tail_
  alignas(cache_line_bytes) std::atomic<std::uint64_t> tail_{0};
  std::uint64_t known_head_ = 0;  // the producer's last look at head_
};

}  // namespace ringtail::ring
