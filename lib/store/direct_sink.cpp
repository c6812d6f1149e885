#include "store/direct_sink.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "store/file_io.hpp"

namespace ringtail::store {

namespace {

constexpr std::size_t most_chunks_per_write = 8;
constexpr std::size_t most_chunks_out = 2 * most_chunks_per_write;

}  // namespace

DirectSink::DirectSink(OutputFile file, base::FileDescriptor direct, FileFormat format, std::optional<SplicePipe> pipe)
    : Sink(std::move(file), format), direct_(std::move(direct)), write_(std::move(pipe)) {
  queue_.reserve(most_chunks_out);
  flight_.reserve(most_chunks_out);
  pieces_.reserve(most_chunks_out);
}

void DirectSink::submit(Chunk&& chunk) {
  Pending pending{.chunk = std::move(chunk), .aligned = {}, .before = submitted_};
  if (failure() != nullptr) return;
  reap();
  if (failure() != nullptr) return;
  const std::size_t carried_bytes = tail_.kept().size();
  const std::size_t hold_limit = std::min<std::size_t>(pending.chunk.hold_limit, most_chunks_out);
  submitted_.bytes += pending.chunk.bytes.size() - carried_bytes;
  submitted_.packets += pending.chunk.packets;
  submitted_.captured_bytes += pending.chunk.captured_bytes;
  pending.aligned = tail_.split(pending.chunk.bytes);
  if (short_since_) pending.chunk.handed_over_at = *std::exchange(short_since_, std::nullopt);
  if (pending.aligned.empty()) {
    short_since_ = pending.chunk.handed_over_at;
    return;
  }
  queue_.push_back(std::move(pending));
  const std::size_t wanted = write_.gathers() ? std::max<std::size_t>(1, hold_limit / 2) : 1;
  if (!write_.is_running() && queue_.size() >= wanted) start_write();
  while (chunks_out() > hold_limit && wait_for_chunk()) continue;
  reap();
}

// Pieces begin anywhere, so they go through the page cache, behind everything that was submitted before. The kernel
// sees to it that a direct write which covers the last of them finds them on the disk (kiocb_invalidate_pages(),
// mm/filemap.c).
void DirectSink::submit_pieces(const PieceChunk& chunk) {
  if (landed_.bytes != submitted_.bytes) drain();
  if (failure() != nullptr) return;
  const Clock::time_point handed_over_at = Clock::now();
  if (!take_written(chunk, write_.pipe().write_or_copy(file_.descriptor.get(), chunk.pieces, submitted_.bytes))) return;
  submitted_ = landed_;
  file_end_ = landed_.bytes;
  tail_.go_past(chunk.pieces, chunk.bytes);
  aligned_end_ = tail_.offset();
  write_behind();
  if (failure() == nullptr) count_latency(handed_over_at);
}

void DirectSink::start_write() {
  std::swap(queue_, flight_);
  pieces_.clear();
  flight_bytes_ = 0;
  for (const Pending& pending : flight_) {
    pieces_.push_back({const_cast<std::byte*>(pending.aligned.data()), pending.aligned.size()});
    flight_bytes_ += pending.aligned.size();
  }
  write_.start(direct_.get(), pieces_, aligned_end_);
}

void DirectSink::reap() noexcept {
  if (const auto result = write_.poll()) take_result(*result);
  advance();
}

// What is due when no write is running: the next one, or what a flush has left to do.
void DirectSink::advance() {
  if (write_.is_running() || failure() != nullptr || !flush_wanted_) return;
  if (!queue_.empty()) return start_write();
  write_tail();
  flush_wanted_ = false;
}

void DirectSink::take_result(std::int64_t result) {
  if (result == -EIO) return give_up(EIO);  // the disk's word: the page cache would only put the error off
  const auto written = static_cast<std::uint64_t>(std::max<std::int64_t>(result, 0));
  file_end_ = std::max(file_end_, aligned_end_ + written);
  if (written < flight_bytes_) finish_buffered(written);
  if (failure() == nullptr) write_landed();
}

// A direct write that stopped half-way says little about why: at a limit or on a nearly full disk it can be EINVAL for
// an odd length, or ENOSPC where part would have fitted. Ordinary writes go on to the very end and then say it.
void DirectSink::finish_buffered(std::uint64_t written_bytes) {
  std::uint64_t begin = 0;  // of the piece, in this write
  for (const Pending& pending : flight_) {
    const std::uint64_t skip =
        std::min<std::uint64_t>(written_bytes - std::min(begin, written_bytes), pending.aligned.size());
    const Written rest =
        write_all_at(file_.descriptor.get(), pending.aligned.subspan(skip), aligned_end_ + begin + skip);
    file_end_ = std::max(file_end_, aligned_end_ + begin + skip + rest.bytes);
    if (rest.error_number != 0) return give_up(rest.error_number);
    begin += pending.aligned.size();
  }
}

void DirectSink::write_landed() {
  aligned_end_ += flight_bytes_;
  // The last chunk's own end may be in the part that is kept, but its beginning is in the file.
  landed_ = flight_.back().before;
  for (const Pending& pending : flight_) count_latency(pending.chunk.handed_over_at);
  flight_.clear();  // the memory goes back
}

void DirectSink::write_tail() {
  const Written written = write_all_at(file_.descriptor.get(), tail_.kept(), tail_.offset());
  file_end_ = std::max(file_end_, tail_.offset() + written.bytes);
  if (written.error_number != 0) return give_up(written.error_number);
  landed_ = submitted_;
  if (short_since_) count_latency(*std::exchange(short_since_, std::nullopt));
}

bool DirectSink::wait_for_chunk() {
  if (failure() != nullptr) return false;
  if (!write_.is_running()) {
    if (queue_.empty()) return false;
    start_write();
  }
  take_result(write_.wait());
  return true;
}

void DirectSink::flush() {
  flush_wanted_ = true;
  reap();
}

void DirectSink::drain() {
  while (wait_for_chunk()) continue;
  flush();
}

void DirectSink::sync() {
  drain();
  sync_descriptor();
}

void DirectSink::finish() {
  if (!file_.descriptor.is_open()) return;
  drain();
  direct_.close();
  close();
}

void DirectSink::give_up(int error_number) {
  fail("write", error_number);
  queue_.clear();
  flight_.clear();
  const auto read = [this](std::uint64_t offset, std::span<std::byte> memory) {
    return read_all_at(file_.descriptor.get(), memory, offset);
  };
  landed_ = scan_records(format_, landed_, file_end_, read);
  cut_back();
}

}  // namespace ringtail::store
