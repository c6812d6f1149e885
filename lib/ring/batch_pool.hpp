// A fixed number of batch slots, allocated at open. No allocation happens afterwards.
#pragma once

#include <cstdint>
#include <memory>

#include <ringtail/error.hpp>

#include "base/mapping.hpp"
#include "ring/batch_slot.hpp"
#include "ring/index_queue.hpp"

namespace ringtail::ring {

/// Slots with room for `batch_packets` descriptors each. take() belongs to the receiving thread; give_back() to any.
class BatchPool {
 public:
  /// `slots` >= 1, `batch_packets` >= 1. Descriptor memory is reserved here and touched when first used.
  [[nodiscard]] static Result<BatchPool> create(detail::BatchOwner& owner, std::uint32_t slots,
                                                std::uint32_t batch_packets);

  /// A free slot, or null when all are lent. Its descriptors may be written until it is handed out.
  [[nodiscard]] detail::BatchSlot* take() noexcept;

  /// `slot` came from this pool's take(). Its descriptors are poisoned under ASan until it is taken again.
  void give_back(detail::BatchSlot& slot) noexcept;

  [[nodiscard]] std::uint32_t batch_packets() const noexcept { return batch_packets_; }
  [[nodiscard]] std::uint32_t slots() const noexcept { return slot_count_; }

 private:
  BatchPool(detail::BatchOwner& owner, base::Mapping memory, std::uint32_t slots, std::uint32_t batch_packets);

  base::Mapping memory_;
  std::unique_ptr<detail::BatchSlot[]> slots_;
  std::unique_ptr<IndexQueue> free_;
  std::uint32_t slot_count_;
  std::uint32_t batch_packets_;
};

}  // namespace ringtail::ring
