#include "ring/batch_pool.hpp"

#include "base/sanitizer.hpp"

namespace ringtail::ring {

Result<BatchPool> BatchPool::create(detail::BatchOwner& owner, std::uint32_t slots, std::uint32_t batch_packets) {
  const std::size_t bytes = std::size_t{slots} * batch_packets * sizeof(PacketDescriptor);
  auto memory = base::Mapping::anonymous(bytes);
  if (!memory) return tl::unexpected(std::move(memory.error()));
  return BatchPool(owner, std::move(*memory), slots, batch_packets);
}

BatchPool::BatchPool(detail::BatchOwner& owner, base::Mapping memory, std::uint32_t slots, std::uint32_t batch_packets)
    : memory_(std::move(memory)),
      slots_(std::make_unique<detail::BatchSlot[]>(slots)),
      free_(std::make_unique<IndexQueue>(slots)),
      slot_count_(slots),
      batch_packets_(batch_packets) {
  auto* descriptors = reinterpret_cast<PacketDescriptor*>(memory_.data());
  for (std::uint32_t index = 0; index < slots; ++index) {
    detail::BatchSlot& slot = slots_[index];
    slot.owner = &owner;
    slot.descriptors = descriptors + std::size_t{index} * batch_packets;
    slot.index = index;
    free_->push(index);
  }
}

detail::BatchSlot* BatchPool::take() noexcept {
  std::uint32_t index = 0;
  if (!free_->pop(index)) return nullptr;
  detail::BatchSlot& slot = slots_[index];
  base::unpoison(slot.descriptors, std::size_t{batch_packets_} * sizeof(PacketDescriptor));
  return &slot;
}

void BatchPool::give_back(detail::BatchSlot& slot) noexcept {
  base::poison(slot.descriptors, std::size_t{batch_packets_} * sizeof(PacketDescriptor));
  free_->push(slot.index);  // cannot be full: the queue has room for every slot
}

}  // namespace ringtail::ring
