#include "store/write_sink.hpp"

#include <algorithm>
#include <cerrno>

namespace ringtail::store {

void WriteSink::submit(Chunk&& chunk) {
  const Chunk held = std::move(chunk);  // its memory goes back when this returns
  if (failure() != nullptr) return;
  const Written written = write(held.bytes);
  if (written.error_number != 0) return give_up(held, written.bytes, written.error_number);
  landed_.bytes += held.bytes.size();
  landed_.packets += held.packets;
  landed_.captured_bytes += held.captured_bytes;
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

void WriteSink::give_up(const Chunk& chunk, std::size_t written_bytes, int error_number) {
  fail("write", error_number);
  const std::uint64_t begin = landed_.bytes;
  const auto read = [&](std::uint64_t offset, std::span<std::byte> memory) {
    if (offset - begin + memory.size() > written_bytes) return false;
    std::ranges::copy(chunk.bytes.subspan(offset - begin, memory.size()), memory.begin());
    return true;
  };
  landed_ = scan_records(format_, landed_, begin + written_bytes, read);
  cut_back();
}

void WriteSink::finish() {
  close();
}

}  // namespace ringtail::store
