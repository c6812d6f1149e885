#include "store/block_writer.hpp"

#include <algorithm>
#include <utility>

#include "base/contract.hpp"
#include "pcapfile/in_place_encoder.hpp"
#include "ring/batch_slot.hpp"

namespace ringtail::store {

namespace {

constexpr std::uint32_t small_block_bytes = 64U << 10;

const detail::InPlace& in_place(const Batch& batch) noexcept {
  return batch.slot()->in_place;
}

/// Where the batch's memory ends, from the block's beginning.
std::uint32_t end_of(const Batch& batch) noexcept {
  const detail::InPlace& memory = in_place(batch);
  return memory.is_last() ? memory.limit_offset : memory.next_data_offset;
}

}  // namespace

BlockWriter::BlockWriter(FileFormat format, Layout layout)
    : encoder_(pcapfile::make_in_place_encoder(format, layout)) {}

/// Nobody else reads the batch, or nothing is done to what they read: no packet moves, and none was cut off that would
/// become a gap.
bool BlockWriter::leaves_to_others(const Batch& batch, bool begins) const noexcept {
  if (!batch.slot()->is_shared()) return true;
  const detail::BatchSlot& slot = batch.slot()->source();
  const bool is_whole = batch.descriptors().data() == slot.descriptors && batch.size() == slot.count;
  return is_whole && encoder_->leaves_in_place(batch.descriptors(), begins);
}

bool BlockWriter::may_begin(const Batch& batch) const noexcept {
  const detail::InPlace& memory = in_place(batch);
  if (!memory.available() || !memory.is_first() || !leaves_to_others(batch, true)) return false;
  if (!memory.is_last()) return true;
  const PacketDescriptor& last = batch[batch.size() - 1].descriptor();
  return last.offset + last.captured_length - memory.first_offset >= small_block_bytes;
}

bool BlockWriter::continues(const Batch& batch) const noexcept {
  // A batch in between that did not come here may be read by others, and a gap is written over.
  return is_open() && in_place(batch).base == in_place(held_).base && !in_place(batch).is_first() &&
         in_place(batch).begin_offset == in_place(held_).end_offset && leaves_to_others(batch, false);
}

BlockWriter::Added BlockWriter::add(Batch&& batch, std::span<const std::byte> carried,
                                    pcapfile::InterfaceMap interfaces) {
  const detail::InPlace& memory = in_place(batch);
  if (!is_open()) {
    base::require(memory.is_first() && carried.size() <= memory.first_offset - memory.carry_offset,
                  "a block is begun at its beginning, with room for what is carried");
    std::ranges::copy(carried, memory.base + memory.carry_offset);
    carried_bytes_ = static_cast<std::uint32_t>(carried.size());
    packets_ = 0;
    captured_bytes_ = 0;
    opened_at_ = Clock::now();
    encoder_->begin(memory, carried_bytes_);
  }
  const std::span<const PacketDescriptor> packets = batch.descriptors();
  encoder_->add(packets, interfaces);
  Added added{.packets = batch.size()};
  for (const PacketDescriptor& packet : packets) added.captured_bytes += packet.captured_length;
  packets_ += added.packets;
  captured_bytes_ += added.captured_bytes;
  held_ = std::move(batch);  // the one before goes back
  return added;
}

std::uint64_t BlockWriter::largest_bytes() const noexcept {
  return is_open() ? largest_bytes_with(held_) : 0;
}

std::uint64_t BlockWriter::largest_bytes_with(const Batch& batch) noexcept {
  return end_of(batch) - in_place(batch).carry_offset;
}

BlockWriter::Finished BlockWriter::finish(std::uint32_t alignment) {
  const detail::InPlace& memory = in_place(held_);
  const pcapfile::EncodedBlock encoded = encoder_->finish(alignment);
  Finished finished{.chunk = {}, .dilated = encoded.dilated, .copied_bytes = encoded.copied_bytes + carried_bytes_};
  finished.chunk.bytes = {memory.base + encoded.begin, encoded.end - encoded.begin};
  finished.chunk.packets = packets_;
  finished.chunk.captured_bytes = captured_bytes_;
  // With a quarter of the ring out the kernel still has room for a long burst.
  finished.chunk.hold_limit = std::max(1U, memory.block_count / 4);
  finished.chunk.block = std::move(held_);
  return finished;
}

}  // namespace ringtail::store
