#include "store/mmap_sink.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/contract.hpp"
#include "store/file_io.hpp"

namespace ringtail::store {

namespace {

constexpr std::size_t window_bytes = 2 << 20;
constexpr std::size_t smallest_window_bytes = 1 << 20;  // as much as a staging buffer has
constexpr std::uint64_t page_bytes = 4096;

}  // namespace

bool MmapSink::can_map(const OutputFile& file) noexcept {
  if (file.kind != OutputKind::regular || file.start_offset != 0) return false;
  const int flags = ::fcntl(file.descriptor.get(), F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) == O_RDWR && (flags & O_APPEND) == 0;
}

std::span<std::byte> MmapSink::tail() const noexcept {
  if (!window_.is_open()) return {};
  return window_.memory().subspan(landed_.bytes - window_offset_);
}

std::span<std::byte> MmapSink::window() noexcept {
  if (landed_.bytes == 0) return {};  // the file's header is written: no gap may stand in front of it
  const std::size_t frame_bytes = cover_.gap_bytes() + cover_.rest_bytes();
  if (tail().size() < frame_bytes + smallest_window_bytes && !open_window()) return {};
  return tail().subspan(cover_.gap_bytes(), tail().size() - frame_bytes);
}

bool MmapSink::open_window() {
  if (failure() != nullptr || !can_grow_) return false;
  if (!is_whole()) {
    give_up();
    return false;
  }
  const std::uint64_t offset = landed_.bytes / page_bytes * page_bytes;
  const std::uint64_t end = offset + window_bytes;
  can_grow_ = cover_.extend(file_.descriptor.get(), landed_.bytes, std::max(length_, landed_.bytes), end) == 0;
  length_ = can_grow_ ? end : file_bytes();
  if (can_grow_) {
    auto window = FileWindow::map(file_.descriptor.get(), offset, window_bytes);
    can_grow_ = window.has_value();
    if (window) window_ = std::move(*window);
  }
  window_offset_ = offset;
  if (!can_grow_) shorten();
  return can_grow_;
}

void MmapSink::submit(Chunk&& chunk) {
  const Chunk held = std::move(chunk);
  if (failure() != nullptr) return;
  if (held.staging.is_held()) {
    write(held);
  } else {
    publish(held);
  }
  write_behind();
  if (failure() == nullptr) count_latency(held.handed_over_at);
}

void MmapSink::publish(const Chunk& chunk) {
  base::require(chunk.bytes.data() == tail().data() + cover_.gap_bytes(), "a chunk is the front of its window");
  cover_.publish(tail(), chunk.bytes.size());
  if (window_.is_lost()) return give_up();
  landed_.bytes += cover_.gap_bytes() + chunk.bytes.size();
  landed_.packets += chunk.packets;
  landed_.captured_bytes += chunk.captured_bytes;
}

void MmapSink::write(const Chunk& chunk) {
  shorten();
  if (failure() != nullptr) return;
  take_written(chunk, write_all_at(file_.descriptor.get(), chunk.bytes, landed_.bytes));
}

void MmapSink::shorten() {
  window_.close();
  if (length_ <= landed_.bytes) return;
  if (!is_whole()) return give_up();
  if (::ftruncate(file_.descriptor.get(), static_cast<off_t>(landed_.bytes)) != 0) return fail("cut", errno);
  length_ = 0;
}

/// False when somebody has shortened the file: to make it longer again would put zeros where records were.
bool MmapSink::is_whole() const noexcept {
  return file_bytes() >= std::max(length_, landed_.bytes);
}

std::uint64_t MmapSink::file_bytes() const noexcept {
  struct stat status {};
  return ::fstat(file_.descriptor.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// What was encoded into the window is in no file, or nobody can say. What was published before is, unless the file is
// shorter than that now.
void MmapSink::give_up() {
  const std::uint64_t bytes = file_bytes();
  fail("write", EIO, is_whole() ? "" : "somebody has shortened the file");
  if (bytes < landed_.bytes) {
    const auto read = [this](std::uint64_t offset, std::span<std::byte> memory) {
      return read_all_at(file_.descriptor.get(), memory, offset);
    };
    landed_ = scan_records(format_, {}, bytes, read);
  }
  window_.close();
  cut_back();
  length_ = 0;
}

void MmapSink::finish() {
  if (!file_.descriptor.is_open()) return;
  shorten();  // after a failure too: what has landed is all there is
  close();
}

}  // namespace ringtail::store
