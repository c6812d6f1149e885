// O_DIRECT: chunks go from where they stand, ring block or staging buffer, straight to the disk, by io_uring or splice.
//
//   submit ──> queue ──gathered──> one write in flight ──> file
//              wait for company        several chunks
//
// A write of 8 MiB costs about a quarter of the CPU that eight of 1 MiB do (README), so chunks wait for each other, as
// many as may be out without hurting their owner. Nothing waits longer than until the next flush. A pipe holds 1 MiB
// only, so spliced chunks do not wait.
#pragma once

#include <optional>
#include <sys/uio.h>
#include <vector>

#include "store/file_tail.hpp"
#include "store/gather_write.hpp"
#include "store/sink.hpp"

namespace ringtail::store {

class DirectSink final : public Sink {
 public:
  /// `direct` is open_direct() of `file`. With a pipe the bytes go through that.
  DirectSink(OutputFile file, base::FileDescriptor direct, FileFormat format, std::optional<SplicePipe> pipe = {});
  ~DirectSink() override { finish(); }

  [[nodiscard]] std::string_view name() const noexcept override { return write_.gathers() ? "direct" : "splice"; }
  [[nodiscard]] std::uint32_t alignment() const noexcept override { return direct_alignment; }
  [[nodiscard]] std::span<const std::byte> carried() const noexcept override { return tail_.kept(); }
  [[nodiscard]] bool holds_back() const noexcept override { return !queue_.empty() || !tail_.kept().empty(); }
  void submit(Chunk&& chunk) override;
  [[nodiscard]] Pieces pieces() const noexcept override { return write_.has_pipe() ? Pieces::dearer : Pieces::refused; }
  void submit_pieces(const PieceChunk& chunk) override;
  void reap() noexcept override;
  bool wait_for_chunk() override;
  void flush() override;
  void sync() override;
  void finish() override;

 private:
  struct Pending {
    Chunk chunk;
    std::span<const std::byte> aligned;
    WholeRecords before;  // what the file holds in front of the chunk's own records
  };

  [[nodiscard]] std::size_t chunks_out() const noexcept { return queue_.size() + flight_.size(); }
  void start_write();
  void take_result(std::int64_t result);
  void finish_buffered(std::uint64_t written_bytes);
  void write_landed();
  void advance();
  void write_tail();
  void drain();
  void give_up(int error_number);

  base::FileDescriptor direct_;
  FileTail tail_;
  std::vector<Pending> queue_;   // not started yet
  std::vector<Pending> flight_;  // the running write
  std::vector<iovec> pieces_;    // its memory
  std::uint64_t flight_bytes_ = 0;
  std::uint64_t aligned_end_ = 0;  // the file is written directly up to here, or will be when the write is through
  std::uint64_t file_end_ = 0;     // the file holds everything up to here
  WholeRecords submitted_;         // what the file will hold
  bool flush_wanted_ = false;
  /// A chunk too short to be written directly waits for the next one or a flush, and is counted with that.
  std::optional<Clock::time_point> short_since_;
  GatherWrite write_;  // last: its destructor waits while everything else is still there
};

}  // namespace ringtail::store
