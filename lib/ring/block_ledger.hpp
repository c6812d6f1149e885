// Who holds which block. The kernel's status word says whether a block is ours; this says whether we are done with it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/contract.hpp"
#include "ring/index_queue.hpp"

namespace ringtail::ring {

/// A count of holders per block. The walk over a block is a holder of its own, so a block cannot go back while packets
/// in it have not been handed out yet. begin_walk() and lend() belong to the receiving thread, the rest to any.
///
///   0          the kernel's, or the kernel's for the taking
///   1          on its way back: the last holder is storing the status word
///   1 + n      n holders
class BlockLedger {
 public:
  explicit BlockLedger(std::uint32_t blocks) : entries_(std::make_unique<Entry[]>(blocks)) {}

  /// True while anybody holds the block: the kernel's "user" status then only means that we have wrapped round onto a
  /// block that we still own.
  [[nodiscard]] bool is_held(std::uint32_t block) const noexcept {
    // Acquire pairs with the release in returned(): the status word was stored before.
    return entries_[block].holders.load(std::memory_order_acquire) != 0;
  }

  void begin_walk(std::uint32_t block) noexcept {
    base::require(!is_held(block), "a block is walked once at a time");
    entries_[block].holders.store(2, std::memory_order_relaxed);  // only this thread takes a count from 0
  }

  void lend(std::uint32_t block) noexcept { entries_[block].holders.fetch_add(1, std::memory_order_relaxed); }

  /// One holder less. True for exactly one caller, the last: it stores the status word and then calls returned().
  [[nodiscard]] bool done(std::uint32_t block) noexcept {
    // Acquire-release: every holder's last reads happen before the give-back of whoever turns out to be the last.
    const std::uint32_t before = entries_[block].holders.fetch_sub(1, std::memory_order_acq_rel);
    base::require(before >= 2, "a block is given back as often as it was lent");
    return before == 2;
  }

  /// After the status word was stored: the block may be walked again once the kernel has filled it.
  void returned(std::uint32_t block) noexcept {
    entries_[block].holders.store(0, std::memory_order_release);  // pairs with is_held()
  }

 private:
  struct alignas(cache_line_bytes) Entry {  // one line each: holders on different threads do not share one
    std::atomic<std::uint32_t> holders{0};
  };
  std::unique_ptr<Entry[]> entries_;
};

}  // namespace ringtail::ring
