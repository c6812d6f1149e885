#include "store/write_sink.hpp"

#include <cerrno>

namespace ringtail::store {

void WriteSink::submit(Chunk&& chunk) {
  const Chunk held = std::move(chunk);  // its memory goes back when this returns
  if (failure() != nullptr) return;
  take_written(held, write(held.bytes));
  write_behind();
  if (failure() == nullptr) count_latency(held.handed_over_at);
}

Written WriteSink::write(std::span<const std::byte> bytes) noexcept {
  if (!pipe_) return write_all(file_.descriptor.get(), bytes);
  const std::uint64_t offset = file_.start_offset + landed_.bytes;
  Written written;
  if (pipe_->is_open()) {
    written = pipe_->write(file_.descriptor.get(), bytes, offset);
    if (written.error_number == 0 || written.error_number == EIO) return written;
  }
  // Ordinary writes go on to the very end, and then say what is wrong.
  const Written rest = write_all_at(file_.descriptor.get(), bytes.subspan(written.bytes), offset + written.bytes);
  return {written.bytes + rest.bytes, rest.error_number};
}

void WriteSink::finish() {
  close();
}

}  // namespace ringtail::store
