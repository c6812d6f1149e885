#include "ring/backend.hpp"

#include "base/contract.hpp"
#include "ring/owned_counter.hpp"

namespace ringtail::detail {

void release(BatchSlot& slot) noexcept {
  // Who is alone stays alone, so the usual case needs no locked instruction. Acquire-release: what any holder read
  // happens before the memory goes back.
  const bool is_alone = slot.holders.load(std::memory_order_acquire) == 1;
  if (!is_alone && slot.holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  BatchOwner* owner = slot.owner;
  if (!owner->is_at_home()) return;
  owner->release(slot);
  owner->drop();
}

Batch share(const Batch& batch) noexcept {
  if (batch.empty()) return {};
  BatchSlot& slot = *batch.slot();
  // The caller holds one, so nobody gives the loan back meanwhile.
  slot.holders.fetch_add(1, std::memory_order_relaxed);
  return {slot, batch.descriptors().data(), batch.size(), slot.memory_base};
}

void truncate(BatchSlot& slot, std::uint32_t removed_packets) noexcept {
  slot.owner->cut(slot, removed_packets);
}

void BackendDeleter::operator()(Backend* backend) const noexcept {
  if (!backend->is_at_home()) return;  // its descriptors and mappings go when the child ends
  backend->shut_down();
  backend->drop();
}

Batch Backend::lend(BatchSlot& slot, std::uint64_t captured_bytes) noexcept {
  retain();
  slot.holders.store(1, std::memory_order_relaxed);
  ring::add_by_owner(lent_packets_, slot.count);
  ring::add_by_owner(lent_bytes_, captured_bytes);
  return {slot, slot.descriptors, slot.count, slot.memory_base};
}

void Backend::cut(BatchSlot& slot, std::uint32_t removed_packets) noexcept {
  std::uint64_t bytes = 0;
  for (std::uint32_t removed = 0; removed < removed_packets; ++removed) {
    bytes += slot.descriptors[--slot.count].captured_length;
  }
  cut_packets_.fetch_add(removed_packets, std::memory_order_relaxed);
  cut_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

void Backend::add_delivery(Stats& stats) const noexcept {
  // cut_* first: a cut always follows its delivery, so the difference never goes below zero.
  const std::uint64_t cut_packets = cut_packets_.load(std::memory_order_acquire);
  const std::uint64_t cut_bytes = cut_bytes_.load(std::memory_order_acquire);
  stats.delivered = lent_packets_.load(std::memory_order_relaxed) - cut_packets;
  stats.delivered_bytes = lent_bytes_.load(std::memory_order_relaxed) - cut_bytes;
}

}  // namespace ringtail::detail
