#include "store/sink.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <unistd.h>

#include "base/contract.hpp"
#include "store/storage_directory.hpp"

namespace ringtail::store {

namespace {

/// Pieces that end within the first `bytes`.
WholeRecords whole_records(const PieceChunk& chunk, std::uint64_t bytes) noexcept {
  WholeRecords whole;
  for (std::size_t index = 0; index < chunk.pieces.size(); ++index) {
    const std::size_t length = chunk.pieces[index].iov_len;
    if (length > bytes - whole.bytes) break;
    whole += {.bytes = length, .packets = 1, .captured_bytes = chunk.packets[index].captured_length};
  }
  return whole;
}

}  // namespace

void Sink::submit_pieces(const PieceChunk& /*chunk*/) {
  base::require(false, "pieces go where they are not refused");
}

bool Sink::take_written(const PieceChunk& chunk, Written written) {
  landed_ += whole_records(chunk, written.bytes);
  if (written.error_number == 0) return true;
  fail("write", written.error_number);
  cut_back();
  return false;
}

void Sink::take_written(const Chunk& chunk, Written written) {
  if (written.error_number == 0) {
    landed_.bytes += chunk.bytes.size();
    landed_.packets += chunk.packets;
    landed_.captured_bytes += chunk.captured_bytes;
    return;
  }
  fail("write", written.error_number);
  const std::uint64_t begin = landed_.bytes;
  const auto read = [&](std::uint64_t offset, std::span<std::byte> memory) {
    if (offset - begin + memory.size() > written.bytes) return false;
    std::ranges::copy(chunk.bytes.subspan(offset - begin, memory.size()), memory.begin());
    return true;
  };
  landed_ = scan_records(format_, landed_, begin + written.bytes, read);
  cut_back();
}

void Sink::write_behind() {
  if (failure_ || file_.kind != OutputKind::regular) return;
  const int error = write_behind_.advance(file_.descriptor.get(), file_.start_offset + landed_.bytes);
  if (error != 0) fail("write back", error);
}

bool Sink::name_file(StorageDirectory& storage) {
  return storage.name(file_);
}

void Sink::sync_descriptor() {
  if (failure_ || file_.kind != OutputKind::regular) return;
  if (::fdatasync(file_.descriptor.get()) != 0) fail("sync", errno);
}

void Sink::fail(std::string_view operation, int error_number, std::string remedy) {
  if (failure_) return;
  if (remedy.empty() && file_.kind == OutputKind::regular) remedy = "the file ends after its last whole record";
  failure_ = system_error(std::string(operation) + " " + file_.path, error_number, file_.path, remedy);
}

void Sink::cut_back() {
  if (file_.kind != OutputKind::regular) return;
  const auto length = static_cast<off_t>(file_.start_offset + landed_.bytes);
  if (::ftruncate(file_.descriptor.get(), length) != 0 && failure_) {
    failure_->remedy = "its last record is torn, for the file could not be cut back";
  }
}

void Sink::close() {
  if (const int error = file_.descriptor.close(); error != 0) fail("close", error);
}

}  // namespace ringtail::store
