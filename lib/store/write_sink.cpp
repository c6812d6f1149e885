#include "store/write_sink.hpp"

namespace ringtail::store {

void WriteSink::submit(Chunk&& chunk) {
  const Chunk held = std::move(chunk);  // its memory goes back when this returns
  if (failure() != nullptr) return;
  take_written(held, write(held.bytes));
  write_behind();
  if (failure() == nullptr) count_latency(held.handed_over_at);
}

void WriteSink::submit_pieces(const PieceChunk& chunk) {
  if (failure() != nullptr) return;
  const Clock::time_point handed_over_at = Clock::now();
  const std::uint64_t offset = file_.start_offset + landed_.bytes;
  if (!take_written(chunk, pipe_->write_or_copy(file_.descriptor.get(), chunk.pieces, offset))) return;
  write_behind();
  if (failure() == nullptr) count_latency(handed_over_at);
}

Written WriteSink::write(std::span<const std::byte> bytes) noexcept {
  const int descriptor = file_.descriptor.get();
  if (!pipe_) return write_all(descriptor, bytes);
  const std::uint64_t offset = file_.start_offset + landed_.bytes;
  if (!pipe_->is_open()) return write_all_at(descriptor, bytes, offset);
  const iovec whole{const_cast<std::byte*>(bytes.data()), bytes.size()};
  return pipe_->write_or_copy(descriptor, {&whole, 1}, offset);
}

void WriteSink::finish() {
  close();
}

}  // namespace ringtail::store
