// The one thing a client writes and its publisher reads: the slots it gives back.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "share/layout.hpp"

namespace ringtail::share {

/// The client's end. Any number of threads.
class ReturnWriter {
 public:
  /// `entries` are in the returned memory; `capacity` is Geometry::slot_count.
  ReturnWriter(Return* entries, std::uint32_t capacity) noexcept : entries_(entries), mask_(capacity - 1) {}

  /// The last reads of the slot's packets happen before this.
  void give_back(std::uint32_t slot) noexcept {
    const std::uint64_t position = next_.fetch_add(1, std::memory_order_relaxed);
    // Release pairs with the acquire in ReturnReader::next().
    entries_[position & mask_].store(encode_return(position, slot), std::memory_order_release);
  }

 private:
  Return* entries_;
  std::uint64_t mask_;
  std::atomic<std::uint64_t> next_{0};
};

/// The publisher's end. One thread. Every entry is read once; what it says is for the loan book to judge.
class ReturnReader {
 public:
  ReturnReader(const Return* entries, std::uint32_t capacity) noexcept : entries_(entries), mask_(capacity - 1) {}

  /// What the next entry names as a slot, which may be anything; nothing when the entry is not there yet. A client that
  /// fills the ring with nonsense ends this at the first entry that the loan book refuses.
  [[nodiscard]] std::optional<std::uint32_t> next() noexcept {
    // Acquire pairs with the release in ReturnWriter::give_back(): the client is done reading.
    const std::uint64_t entry = entries_[next_ & mask_].load(std::memory_order_acquire);
    if (entry >> 32 != (next_ + 1) % (std::uint64_t{1} << 32)) return std::nullopt;
    ++next_;
    return static_cast<std::uint32_t>(entry);
  }

 private:
  const Return* entries_;
  std::uint64_t mask_;
  std::uint64_t next_ = 0;
};

}  // namespace ringtail::share
