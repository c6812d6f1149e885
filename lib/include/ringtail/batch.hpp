// A batch is a loan: packets that still lie in the memory they arrived in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>

#include <ringtail/packet.hpp>

namespace ringtail {

namespace detail {
struct BatchSlot;                                                        // lib/ring/batch_slot.hpp
void release(BatchSlot& slot) noexcept;                                  // gives the loan back; any thread
void truncate(BatchSlot& slot, std::uint32_t removed_packets) noexcept;  // books them as unread; the holder's thread
}  // namespace detail

/// Packets lent by Source::receive(). Destroying (or overwriting) the batch gives the memory back.
///
/// Ownership: move-only; moving it, also to another thread, is the hand-over. Batches may be held and released on any
/// thread and in any order, and may outlive their Source: the memory stays mapped until the last one is gone. Holding
/// batches uses up the source's credit: when all is lent out, receive() says ReceiveStatus::no_credit and new packets
/// are lost where the source counts them.
///
/// Threads: one holder at a time. Two threads may read the same batch, but only one may move, truncate or destroy it.
class Batch {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;  // dereferencing makes the view, so not a forward iterator
    using value_type = PacketView;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = PacketView;

    Iterator() noexcept = default;
    Iterator(const PacketDescriptor* descriptor, const std::byte* memory_base) noexcept
        : descriptor_(descriptor), memory_base_(memory_base) {}
    PacketView operator*() const noexcept { return {*descriptor_, memory_base_}; }
    Iterator& operator++() noexcept {
      ++descriptor_;
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++descriptor_;
      return before;
    }
    bool operator==(const Iterator& other) const noexcept { return descriptor_ == other.descriptor_; }

   private:
    const PacketDescriptor* descriptor_ = nullptr;
    const std::byte* memory_base_ = nullptr;
  };

  Batch() noexcept = default;  ///< an empty batch that borrows nothing
  Batch(Batch&& other) noexcept
      : descriptors_(std::exchange(other.descriptors_, nullptr)),
        memory_base_(std::exchange(other.memory_base_, nullptr)),
        slot_(std::exchange(other.slot_, nullptr)),
        count_(std::exchange(other.count_, 0)) {}
  Batch& operator=(Batch&& other) noexcept {
    Batch taken(std::move(other));
    swap(taken);
    return *this;
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch() { reset(); }

  [[nodiscard]] Iterator begin() const noexcept { return {descriptors_, memory_base_}; }
  [[nodiscard]] Iterator end() const noexcept { return {descriptors_ + count_, memory_base_}; }
  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// `index` < size().
  [[nodiscard]] PacketView operator[](std::uint32_t index) const noexcept {
    return {descriptors_[index], memory_base_};
  }
  [[nodiscard]] std::span<const PacketDescriptor> descriptors() const noexcept { return {descriptors_, count_}; }

  /// Gives the memory back now; the batch is empty afterwards. Every view into it dies.
  void reset() noexcept {
    if (slot_ != nullptr) detail::release(*std::exchange(slot_, nullptr));
    descriptors_ = nullptr;
    memory_base_ = nullptr;
    count_ = 0;
  }

  /// Keeps only the first `count` packets, for an exact packet limit; the rest are counted as `unread` by the source.
  void keep_first(std::uint32_t count) noexcept {
    if (count >= count_) return;
    if (slot_ != nullptr) detail::truncate(*slot_, count_ - count);
    count_ = count;
  }

  /// Leaves the first `count` packets out, they stay counted as delivered.
  void skip_first(std::uint32_t count) noexcept {
    if (count >= count_) return reset();
    descriptors_ += count;
    count_ -= count;
  }

  void swap(Batch& other) noexcept {
    std::swap(descriptors_, other.descriptors_);
    std::swap(memory_base_, other.memory_base_);
    std::swap(slot_, other.slot_);
    std::swap(count_, other.count_);
  }

  /// For the library's own rooms (encoders, lending): the loan behind the batch, null when empty.
  [[nodiscard]] detail::BatchSlot* slot() const noexcept { return slot_; }
  Batch(detail::BatchSlot& slot, const PacketDescriptor* descriptors, std::uint32_t count,
        const std::byte* memory_base) noexcept
      : descriptors_(descriptors), memory_base_(memory_base), slot_(&slot), count_(count) {}

 private:
  const PacketDescriptor* descriptors_ = nullptr;
  const std::byte* memory_base_ = nullptr;
  detail::BatchSlot* slot_ = nullptr;
  std::uint32_t count_ = 0;
};

}  // namespace ringtail
