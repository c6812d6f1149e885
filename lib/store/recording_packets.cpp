// A batch's way into the file: in place, where its block becomes the chunk; in pieces, each packet from where it lies;
// or copied into the window.
#include <algorithm>
#include <utility>

#include "base/contract.hpp"
#include "ring/batch_owner.hpp"
#include "store/recording.hpp"

namespace ringtail {

void Recorder::Implementation::write(std::uint16_t source_id, Batch& batch) {
  base::require(section_.knows(source_id), "a source is added before its batches are written");
  base::require(file_ != nullptr || failure_, "nothing is written after finish()");
  if (complete_) return batch.keep_first(0);
  take_interfaces(source_id);
  if (failure_) {
    accepted_packets_ += batch.size();
  } else if (goes_in_place(source_id, batch)) {
    accepted_packets_ += batch.size();
    write_in_place(source_id, batch);
  } else {
    const std::uint32_t done = put(source_id, batch.descriptors(), batch.slot()->memory_base, writable_base(batch));
    if (complete_) batch.keep_first(done);
    accepted_packets_ += batch.size();
  }
}

void Recorder::Implementation::copy_some(std::uint16_t source_id, const Batch& batch, std::uint32_t first,
                                         std::uint32_t count) {
  base::require(section_.knows(source_id), "a source is added before its batches are written");
  base::require(file_ != nullptr || failure_, "nothing is written after finish()");
  base::require(first <= batch.size() && count <= batch.size() - first, "the batch has these packets");
  if (complete_) return;
  take_interfaces(source_id);
  std::uint32_t accepted = count;
  if (!failure_) {
    const std::uint32_t done =
        put(source_id, batch.descriptors().subspan(first, count), batch.slot()->memory_base, nullptr);
    if (complete_) accepted = done;
  }
  accepted_packets_ += accepted;
}

void Recorder::Implementation::take_interfaces(std::uint16_t source_id) {
  if (failure_) return;
  if (auto learned = section_.learn_interfaces(source_id); !learned) return fail(learned.error());
  write_head();
  if (!section_.has_new_interfaces()) [[likely]]
    return;
  scratch_.clear();
  section_.append_new_interfaces(scratch_);
  file_->append(scratch_);
  note_failure();
}

bool Recorder::Implementation::goes_in_place(std::uint16_t source_id, const Batch& batch) const noexcept {
  if (!blocks_[source_id].continues(batch)) {
    if (!file_->takes_blocks() || !blocks_[source_id].may_begin(batch)) return false;
    if (file_->blocks_exclude_each_other() && blocks_.size() > 1) return false;
  }
  return fits_in_place(source_id, batch);
}

// A block is encoded whole batch by whole batch, so one that might pass a limit is copied: that is exact.
bool Recorder::Implementation::fits_in_place(std::uint16_t source_id, const Batch& batch) const noexcept {
  const store::FileLimits limits = this->limits();
  if (limits.packets - file_->taken().packets < batch.size()) return false;
  if (limits.bytes == store::FileLimits::none) return true;
  std::uint64_t bytes = file_->taken().bytes + store::BlockWriter::largest_bytes_with(batch);
  for (std::size_t id = 0; id < blocks_.size(); ++id) {
    if (id != source_id) bytes += blocks_[id].largest_bytes();
  }
  return bytes < limits.bytes;
}

void Recorder::Implementation::write_in_place(std::uint16_t source_id, Batch& batch) {
  store::BlockWriter& block = blocks_[source_id];
  if (block.is_open() && !block.continues(batch)) file_->submit_block(block, false);
  const bool is_last = batch.slot()->in_place.is_last();
  section_.count_written(source_id, batch.size());
  file_->add_to_block(block, std::move(batch), section_.map(source_id));
  if (is_last) file_->submit_block(block, true);
  note_failure();
  end_full_file();
}

// Where the batch's packets begin, if they are to go from there in pieces. Null: they are copied.
std::byte* Recorder::Implementation::writable_base(const Batch& batch) const noexcept {
  const store::Pieces pieces = file_->pieces();
  if (pieces == store::Pieces::refused || options_.layout == Layout::compact) return nullptr;
  if (options_.layout == Layout::automatic &&
      (pieces == store::Pieces::dearer || !pcapfile::pieces_pay(batch.descriptors()))) {
    return nullptr;
  }
  const detail::BatchSlot& slot = *batch.slot();
  const detail::Margins margins = slot.owner->margins(slot);
  return piece_encoder_->fits(margins) ? margins.base : nullptr;
}

// How many of the packets have found their place, which is all of them unless the recording failed or is complete. They
// go in pieces from a writable base, and are copied without one.
std::uint32_t Recorder::Implementation::put(std::uint16_t source_id, std::span<const PacketDescriptor> packets,
                                            const std::byte* memory_base, std::byte* writable_base) {
  make_room_for_copies(source_id);
  std::uint32_t done = 0;
  while (done < packets.size() && !failure_ && !complete_) {
    if (file_->is_full(limits())) next_file();
    if (failure_) break;
    const bool in_pieces = writable_base != nullptr && file_->pieces() != store::Pieces::refused;
    const auto rest = packets.subspan(done);
    const std::uint32_t placed = in_pieces ? file_->pass_packets(rest, writable_base, section_.map(source_id), limits())
                                           : file_->copy_packets(rest, memory_base, section_.map(source_id), limits());
    done += placed;
    section_.count_written(source_id, placed);
    note_failure();
    end_full_file();
  }
  return done;
}

// The source's older packets go first. Other sources' open blocks may come later, unless the file is limited (their
// length is not known yet) or they carry what the copies would have to.
void Recorder::Implementation::make_room_for_copies(std::uint16_t source_id) {
  if (limits().bytes != store::FileLimits::none || file_->blocks_exclude_each_other()) return close_blocks();
  if (blocks_[source_id].is_open()) file_->submit_block(blocks_[source_id], false);
}

void Recorder::Implementation::close_blocks() {
  for (store::BlockWriter& block : blocks_) {
    if (block.is_open()) file_->submit_block(block, false);
  }
}

// A full file is not left before the next packet comes, lest the last file be empty; but the last one that was asked
// for is the end.
void Recorder::Implementation::end_full_file() {
  if (file_ == nullptr || !file_->is_full(limits())) return;
  const bool is_last = options_.stop_after_files && files_.count() >= *options_.stop_after_files;
  complete_ = complete_ || is_last || (options_.stop_after_file_bytes && !options_.rotation.is_on());
}

store::FileLimits Recorder::Implementation::limits() const noexcept {
  store::FileLimits limits;
  const Rotation& rotation = options_.rotation;
  limits.packets = rotation.file_packets.value_or(store::FileLimits::none);
  const auto bytes = rotation.is_on() ? rotation.file_bytes : options_.stop_after_file_bytes;
  if (bytes) {
    // The statistics at the file's end count too; so a file passes its size by one record at most.
    limits.bytes = *bytes - std::min<std::uint64_t>(*bytes - 1, section_.statistics_bytes());
  }
  return limits;
}

}  // namespace ringtail
