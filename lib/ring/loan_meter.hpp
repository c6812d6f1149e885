// Counts how much of a source one holder has: batches go through the meter on their way there.
//
//   source ──batch──> pass() ──batch that is the meter's──> holder, any thread
//      ^                                                       │ gives it back, or a part of the memory stays with it
//      └──── given back, when others do not hold it too ───────┘ and what is out has become less
//
// Nothing is copied but the slot. Who else shares the source's batch (detail::share()) is not counted, and does not
// keep the holder from being told that there is room.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <ringtail/batch.hpp>

#include "ring/batch_owner.hpp"
#include "ring/index_queue.hpp"

namespace ringtail::ring {

class LoanMeter;

struct LoanMeterDeleter {
  void operator()(LoanMeter* meter) const noexcept;  // drops the maker's reference; batches keep theirs
};

/// For the batches of one source. One that does not say how much it can lend (BatchOwner::credit()) is not metered.
///
/// Lives until it and all batches that went through it are gone. Threads: pass() and fits_half() belong to the
/// receiving thread; the batches to any.
class LoanMeter final : public detail::BatchOwner {
 public:
  using Pointer = std::unique_ptr<LoanMeter, LoanMeterDeleter>;
  [[nodiscard]] static Pointer create() { return Pointer(new LoanMeter); }

  /// True when with this batch, too, no more than half of what the source can lend would be out, in each of the ways
  /// in which that can run short.
  [[nodiscard]] bool fits_half(const Batch& batch);
  /// The same batch, which is counted until it is given back.
  [[nodiscard]] Batch pass(Batch&& batch);

  void release(detail::BatchSlot& slot) noexcept override;
  void cut(detail::BatchSlot& slot, std::uint32_t removed_packets) noexcept override;
  [[nodiscard]] detail::Margins margins(const detail::BatchSlot& slot) const noexcept override;

 private:
  struct Loan {
    detail::BatchSlot slot;  // the meter's
    Batch batch;             // the source's
  };

  LoanMeter() = default;
  [[nodiscard]] bool knows(const Batch& batch);

  const detail::BatchOwner* source_ = nullptr;  // of the batches; null before the first
  detail::Credit credit_;
  // By the source's slot: one of them is out once at a time, and so is ours.
  std::unique_ptr<Loan[]> loans_;
  std::unique_ptr<std::atomic<std::uint32_t>[]> block_batches_;  // by block: batches of it that are out
  // Added to by the receiving thread, taken from by whoever gives back. Relaxed: they carry no data.
  alignas(cache_line_bytes) std::atomic<std::uint32_t> batches_out_{0};
  std::atomic<std::uint32_t> blocks_out_{0};
  std::atomic<std::uint32_t> packets_out_{0};
};

}  // namespace ringtail::ring
