// The contract that every source fulfils: kernel ring, DPDK, file, daemon. Source is its public face.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <ringtail/batch.hpp>
#include <ringtail/error.hpp>
#include <ringtail/source.hpp>
#include <ringtail/stats.hpp>

#include "base/own_process.hpp"
#include "ring/batch_slot.hpp"
#include "ring/index_queue.hpp"
#include "ring/interface_table.hpp"

namespace ringtail::detail {

/// One more batch of the same packets. What they borrow goes back with the last of them, and each may be on a thread of
/// its own. Not of a batch that is written in place, nor is any of them cut (Batch::keep_first) afterwards.
[[nodiscard]] Batch share(const Batch& batch) noexcept;

/// Memory that packets lie in and that other processes may be shown: sealed, so that they can only read it
/// (base/sealed_memory.hpp).
struct LendableMemory {
  int descriptor = -1;              ///< open as long as the back end lives
  std::uint64_t inode = 0;          ///< which memory it is, for whoever has a descriptor of their own
  const std::byte* base = nullptr;  ///< where it begins, here
  std::size_t bytes = 0;
};

/// A back end lives as long as its Source or any batch it lent: both hold a reference.
///
/// It works for the process that made it. A child that fork(2) makes of that process has its memory, some of which the
/// kernel, a publisher or a device shares with the parent: Source and release() keep the child from touching that.
///
/// Threads: receive() on one thread at a time; release() and all const functions on any; the rest as Source says.
class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  /// As Source::receive(). `batch` is empty on entry.
  [[nodiscard]] virtual ReceiveStatus receive(std::chrono::nanoseconds timeout, Batch& batch) = 0;
  virtual void stop() noexcept = 0;
  virtual void interrupt() noexcept = 0;
  /// The Source is going away: the inflow ends at once, though batches may still be out. Not called twice.
  virtual void shut_down() noexcept = 0;
  [[nodiscard]] virtual Stats stats() = 0;
  /// What this kind of source counts beyond Stats.
  [[nodiscard]] virtual std::vector<Counter> counters() const { return {}; }
  [[nodiscard]] virtual const ring::InterfaceTable& interfaces() const noexcept = 0;
  [[nodiscard]] virtual const Error* failure() const noexcept = 0;
  [[nodiscard]] virtual int pollable_descriptor() const noexcept = 0;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual std::string_view kind() const noexcept = 0;

  /// Where other processes may read the packets of its batches, as long as they keep those batches from coming back.
  /// Nothing: they cannot, or so much is lent that the source needs the rest for itself; packets have to be copied for
  /// them. The receiving thread.
  [[nodiscard]] virtual std::optional<LendableMemory> lendable_memory() const noexcept { return std::nullopt; }

  /// Takes a loan back. Any thread; called once per lent slot.
  virtual void release(BatchSlot& slot) noexcept = 0;

  /// False in a child of the process that made it.
  [[nodiscard]] bool is_at_home() const noexcept { return home_ == base::own_process(); }

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  /// Deletes the back end with its last reference.
  void drop() noexcept {
    // Acquire-release: everything any holder did happens before the destructor.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  /// Books `removed_packets` at the end of a lent batch as unread. The batch's holder.
  void cut(BatchSlot& slot, std::uint32_t removed_packets) noexcept;

 protected:
  /// Hands out `slot`: takes a reference for it, counts it as delivered, and makes the batch.
  [[nodiscard]] Batch lend(BatchSlot& slot, std::uint64_t captured_bytes) noexcept;

  /// Fills in what this class counts: delivered, delivered_bytes. The rest is the back end's.
  void add_delivery(Stats& stats) const noexcept;

 private:
  const pid_t home_ = base::own_process();
  std::atomic<std::uint32_t> references_{1};
  // Written by the receiving thread; cut_* by whoever holds a batch (rare).
  alignas(ring::cache_line_bytes) std::atomic<std::uint64_t> lent_packets_{0};
  std::atomic<std::uint64_t> lent_bytes_{0};
  alignas(ring::cache_line_bytes) std::atomic<std::uint64_t> cut_packets_{0};
  std::atomic<std::uint64_t> cut_bytes_{0};
};

}  // namespace ringtail::detail
