// The contract that every source fulfils: kernel ring, DPDK, file, daemon. Source is its public face.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include <ringtail/batch.hpp>
#include <ringtail/error.hpp>
#include <ringtail/source.hpp>
#include <ringtail/stats.hpp>

#include "ring/batch_owner.hpp"
#include "ring/batch_slot.hpp"
#include "ring/index_queue.hpp"
#include "ring/interface_table.hpp"

namespace ringtail::detail {

/// One more batch of the same packets. What they borrow goes back with the last of them, and each may be on a thread of
/// its own. Before the batch is handed to whoever may write into its memory (InPlace), and none of them is cut
/// (Batch::keep_first) afterwards: the books know one length for all.
[[nodiscard]] Batch share(const Batch& batch) noexcept;

/// A back end lives as long as its Source or any batch it lent.
///
/// Threads: receive() on one thread at a time; the rest as Source and BatchOwner say.
class Backend : public BatchOwner {
 public:
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

  void cut(BatchSlot& slot, std::uint32_t removed_packets) noexcept final;

 protected:
  /// Hands out `slot`: takes a reference for it, counts it as delivered, and makes the batch.
  [[nodiscard]] Batch lend(BatchSlot& slot, std::uint64_t captured_bytes) noexcept;

  /// Fills in what this class counts: delivered, delivered_bytes. The rest is the back end's.
  void add_delivery(Stats& stats) const noexcept;

 private:
  // Written by the receiving thread; cut_* by whoever holds a batch (rare).
  alignas(ring::cache_line_bytes) std::atomic<std::uint64_t> lent_packets_{0};
  std::atomic<std::uint64_t> lent_bytes_{0};
  alignas(ring::cache_line_bytes) std::atomic<std::uint64_t> cut_packets_{0};
  std::atomic<std::uint64_t> cut_bytes_{0};
};

}  // namespace ringtail::detail
