#include "ring/loan_meter.hpp"

#include <utility>

namespace ringtail::ring {

namespace {

constexpr auto relaxed = std::memory_order_relaxed;

/// `total` 0: there is no such limit.
bool is_within_half(std::uint64_t out, std::uint32_t total) noexcept {
  return total == 0 || 2 * out <= total;
}

}  // namespace

void LoanMeterDeleter::operator()(LoanMeter* meter) const noexcept {
  meter->drop();
}

bool LoanMeter::knows(const Batch& batch) {
  if (batch.empty()) return false;
  const detail::BatchSlot& slot = *batch.slot();
  if (source_ == nullptr) {
    source_ = slot.owner;
    credit_ = slot.owner->credit();
    loans_ = std::make_unique<Loan[]>(credit_.batches);
    block_batches_ = std::make_unique<std::atomic<std::uint32_t>[]>(credit_.blocks);
  }
  return slot.owner == source_ && slot.index < credit_.batches;
}

bool LoanMeter::fits_half(const Batch& batch) {
  if (!knows(batch)) return true;
  const detail::BatchSlot& slot = *batch.slot();
  const bool is_new_block = credit_.blocks != 0 && block_batches_[slot.block_index].load(relaxed) == 0;
  return is_within_half(batches_out_.load(relaxed) + 1ULL, credit_.batches) &&
         is_within_half(blocks_out_.load(relaxed) + (is_new_block ? 1ULL : 0), credit_.blocks) &&
         is_within_half(packets_out_.load(relaxed) + std::uint64_t{batch.size()}, credit_.packets);
}

Batch LoanMeter::pass(Batch&& batch) {
  if (!knows(batch)) return std::move(batch);
  const detail::BatchSlot& lent = *batch.slot();
  Loan& loan = loans_[lent.index];
  detail::BatchSlot& slot = loan.slot;
  slot.owner = this;
  slot.descriptors = const_cast<PacketDescriptor*>(batch.descriptors().data());  // the source's pool can be written
  slot.memory_base = lent.memory_base;
  slot.count = batch.size();
  slot.index = lent.index;
  slot.block_index = lent.block_index;
  slot.in_place = lent.in_place;
  slot.passed_on = &lent;
  slot.holders.store(1, relaxed);
  batches_out_.fetch_add(1, relaxed);
  packets_out_.fetch_add(slot.count, relaxed);
  if (credit_.blocks != 0 && block_batches_[slot.block_index].fetch_add(1, relaxed) == 0)
    blocks_out_.fetch_add(1, relaxed);
  retain();
  loan.batch = std::move(batch);
  return {slot, slot.descriptors, slot.count, slot.memory_base};
}

void LoanMeter::release(detail::BatchSlot& slot) noexcept {
  Loan& loan = loans_[slot.index];
  // Taken out before it is given back: from then on the receiving thread may put the next one there.
  Batch batch = std::move(loan.batch);
  batches_out_.fetch_sub(1, relaxed);
  packets_out_.fetch_sub(slot.count, relaxed);
  if (credit_.blocks != 0 && block_batches_[slot.block_index].fetch_sub(1, relaxed) == 1)
    blocks_out_.fetch_sub(1, relaxed);
}

void LoanMeter::cut(detail::BatchSlot& slot, std::uint32_t removed_packets) noexcept {
  Batch& batch = loans_[slot.index].batch;
  batch.keep_first(batch.size() - removed_packets);
  slot.count -= removed_packets;
  packets_out_.fetch_sub(removed_packets, relaxed);
}

// Those of the source's packets, which are the same.
detail::Margins LoanMeter::margins(const detail::BatchSlot& slot) const noexcept {
  const detail::BatchSlot& lent = *loans_[slot.index].batch.slot();
  return lent.owner->margins(lent);
}

}  // namespace ringtail::ring
