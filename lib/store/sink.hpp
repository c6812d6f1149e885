// Where chunks go. One sink is one file (or pipe) being written, front to back, by one thread.
//
//   recorder ──submit(Chunk)──> sink ──> file
//
// A sink owns a chunk's memory until its bytes are in the file, and gives it back by destroying the chunk: at once
// where it writes synchronously, later where writes are in flight. The number in flight is bounded: submit() waits when
// it must.
//
// Three questions decide how the next chunk is made:
//
//   window()     "have you memory of your own?"   A mapped file has: its next bytes, to encode into, behind
//                                                 window_gap_bytes() of the sink's own. All others: no.
//   carried()    "what goes in front?"            Direct I/O writes whole multiples of alignment() and keeps the rest:
//
//     file    0            4096                   k*4096        k*4096+r
//             |  chunk 1, written                 | rest, kept  |
//     chunk 2 begins with a copy of the rest:     | rest        | new bytes ...
//
//                                                 Nothing for all others.
//   alignment()  "where had it better end?"       A chunk that ends on a multiple leaves nothing to carry. 1: anywhere.
//
// Packets that may stay where they are, with their records around them, need no chunk: submit_pieces() takes each from
// its place, where pieces() says that this can be done.
//
// flush() puts the rest into the file too, at its exact length; the next chunk still begins with it, and the write that
// follows covers it. So the file is whole after every flush, and nothing is ever padded.
//
// Failures are final. The first one is kept, the file is cut back to its last whole record, what is in flight or
// submitted later is given back unwritten. landed() then says what the file holds.
//
// Threads: one at a time; a sink may be handed to another thread to be finished there.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <ringtail/error.hpp>
#include <ringtail/recorder.hpp>

#include "store/chunk.hpp"
#include "store/file_io.hpp"
#include "store/output_file.hpp"
#include "store/record_scan.hpp"
#include "store/write_behind.hpp"

namespace ringtail::store {

class StorageDirectory;

/// What a sink thinks of bytes in many pieces.
enum class Pieces : std::uint8_t {
  refused,
  dearer,      ///< a chunk would not be copied again, and they have to be
  a_copy_less  ///< all bytes are copied on their way into the file, so gathering them first is a copy more
};

class Sink {
 public:
  Sink(OutputFile file, FileFormat format) noexcept : file_(std::move(file)), format_(format) {}
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  [[nodiscard]] virtual std::string_view name() const noexcept = 0;  ///< as RecorderStats::writer

  [[nodiscard]] virtual std::uint32_t alignment() const noexcept { return 1; }
  /// Good until the next submit(). Shorter than alignment().
  [[nodiscard]] virtual std::span<const std::byte> carried() const noexcept { return {}; }
  /// True when chunks had better be encoded into window().
  [[nodiscard]] virtual bool has_memory() const noexcept { return false; }
  /// Good until the next submit() or flush(). A chunk encoded into it is its front. Empty: use memory of your own.
  [[nodiscard]] virtual std::span<std::byte> window() noexcept { return {}; }
  /// So many bytes of the file's a chunk in window() has in front that are not in the chunk.
  [[nodiscard]] virtual std::uint32_t window_gap_bytes() const noexcept { return 0; }

  /// Takes the next bytes of the file, beginning with carried() and ending with a whole record.
  virtual void submit(Chunk&& chunk) = 0;
  [[nodiscard]] virtual Pieces pieces() const noexcept { return Pieces::refused; }
  /// Takes the next bytes of the file, whatever carried() says, and puts them there at once: when this returns nobody
  /// refers to them. Not where pieces are refused.
  virtual void submit_pieces(const PieceChunk& chunk);
  /// Gives back what has arrived in the file meanwhile. Never waits; cheap.
  virtual void reap() noexcept {}
  /// Waits until at least one more chunk has been given back. False: none is out.
  virtual bool wait_for_chunk() { return false; }
  /// True while something submitted waits for a flush or for more to come.
  [[nodiscard]] virtual bool holds_back() const noexcept { return false; }
  /// Everything submitted gets into the file without a further call.
  virtual void flush() {}
  /// Flushes, and returns when what is in the file is on the disk. A sync that fails is a failure: the kernel reports a
  /// lost page once and calls the next sync a success.
  virtual void sync() = 0;
  /// Flushes, waits for everything, closes the file. Nothing but failure(), landed() and file() after that.
  virtual void finish() = 0;

  [[nodiscard]] const Error* failure() const noexcept { return failure_ ? &*failure_ : nullptr; }
  /// Whole records known to be in the file: all of them after finish(), and after a failure.
  [[nodiscard]] const WholeRecords& landed() const noexcept { return landed_; }
  /// As RecorderFigures::write_latency.
  [[nodiscard]] const LatencyHistogram& latency() const noexcept { return latency_; }
  [[nodiscard]] const OutputFile& file() const noexcept { return file_; }
  /// Names a file that was opened without a name; as name_output().
  [[nodiscard]] bool name_file(const std::string& path) { return name_output(file_, path); }
  [[nodiscard]] bool name_file(StorageDirectory& storage);

 protected:
  using Clock = std::chrono::steady_clock;

  /// Counts a chunk that was written behind landed(), or what of it got there: then it is the end of the file.
  void take_written(const Chunk& chunk, Written written);
  /// The same for pieces. True when all were written.
  bool take_written(const PieceChunk& chunk, Written written);
  /// What the sink got then is in the file now.
  void count_latency(Clock::time_point handed_over_at) noexcept { latency_.add(Clock::now() - handed_over_at); }
  /// Keeps the first failure: `operation` ("write", "sync", "close") on this file did not work.
  void fail(std::string_view operation, int error_number, std::string remedy = {});
  /// Bounds what has landed in the page cache and is not on the disk yet.
  void write_behind();
  /// Makes what has reached the kernel reach the disk.
  void sync_descriptor();
  /// Shortens the file to landed(), where it can be shortened.
  void cut_back();
  /// Closes the descriptor; write-back errors that only close() reports are failures too.
  void close();

  OutputFile file_;
  const FileFormat format_;
  WholeRecords landed_;

 private:
  WriteBehind write_behind_;
  LatencyHistogram latency_;
  std::optional<Error> failure_;
};

}  // namespace ringtail::store
