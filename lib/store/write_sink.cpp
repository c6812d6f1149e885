#include "store/write_sink.hpp"

#include <algorithm>

#include "store/file_io.hpp"

namespace ringtail::store {

void WriteSink::submit(Chunk&& chunk) {
  const Chunk held = std::move(chunk);  // its memory goes back when this returns
  if (failure() != nullptr) return;
  const Written written = write_all(file_.descriptor.get(), held.bytes);
  if (written.error_number != 0) return give_up(held, written.bytes, written.error_number);
  landed_.bytes += held.bytes.size();
  landed_.packets += held.packets;
  landed_.captured_bytes += held.captured_bytes;
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
