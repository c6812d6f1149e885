// Who lends a batch and gets it back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/own_process.hpp"
#include "ring/batch_slot.hpp"

namespace ringtail::detail {

/// Memory that packets lie in and that other processes may be shown.
struct LendableMemory {
  int descriptor = -1;              ///< open as long as the back end lives
  std::uint64_t inode = 0;          ///< which memory it is, for whoever has a descriptor of their own
  const std::byte* base = nullptr;  ///< where it begins, here
  std::size_t bytes = 0;
  /// True: whoever has the descriptor can only read (base/sealed_memory.hpp). False: it is a packet socket, and its
  /// holder can do to the capture whatever this process can, so only those get it who might as well be this process.
  bool is_sealed = true;
};

/// How far the source has come since a batch was lent that has not come back.
enum class LoanAge : std::uint8_t {
  young,
  old,      ///< nothing more should be lent to others where it lies until this one is back
  overdue,  ///< its memory is about to be needed: whoever else has it must lose it now
};

/// How much can be lent at a time, in each way in which it can run short. 0: not in this way, or nobody knows.
struct Credit {
  std::uint32_t batches = 0;  ///< slots; their indices are below this
  std::uint32_t blocks = 0;   ///< of a ring; BatchSlot::block_index is below this
  std::uint32_t packets = 0;
};

/// Lives as long as its maker wants it or any batch that it lent is out: both hold a reference.
///
/// It works for the process that made it. A child that fork(2) makes of that process has its memory, some of which the
/// kernel, a publisher or a device shares with the parent: Source and release() keep the child from touching that.
///
/// Threads: release() and all const functions on any.
class BatchOwner {
 public:
  BatchOwner() = default;
  BatchOwner(const BatchOwner&) = delete;
  BatchOwner& operator=(const BatchOwner&) = delete;
  virtual ~BatchOwner() = default;

  /// Takes a loan back. Any thread; called once per lent slot.
  virtual void release(BatchSlot& slot) noexcept = 0;
  /// Books `removed_packets` at the end of a lent batch as unread. The batch's holder.
  virtual void cut(BatchSlot& slot, std::uint32_t removed_packets) noexcept = 0;

  /// Where other processes may read the packets of its batches, as long as they keep those batches from coming back.
  /// Nothing: they cannot, or so much is lent that the source needs the rest for itself; packets have to be copied for
  /// them. The receiving thread.
  [[nodiscard]] virtual std::optional<LendableMemory> lendable_memory() const noexcept { return std::nullopt; }
  /// What may be written around the packets of a loan: by one writer, as long as it holds the loan; other holders
  /// (share()) read captured bytes alone.
  [[nodiscard]] virtual Margins margins(const BatchSlot& /*slot*/) const noexcept { return {}; }
  /// How long ago a batch was lent, in what has arrived since. Any thread, as long as it holds such a batch.
  [[nodiscard]] virtual LoanAge age_of(const BatchSlot& /*slot*/) const noexcept { return LoanAge::young; }
  /// Never changes.
  [[nodiscard]] virtual Credit credit() const noexcept { return {}; }

  /// False in a child of the process that made it.
  [[nodiscard]] bool is_at_home() const noexcept { return home_ == base::own_process(); }

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  /// Deletes the owner with its last reference.
  void drop() noexcept {
    // Acquire-release: everything any holder did happens before the destructor.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  const pid_t home_ = base::own_process();
  std::atomic<std::uint32_t> references_{1};
};

}  // namespace ringtail::detail
