// What stands behind a Recorder: the sources' packets on their way into one file after the other.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ringtail/recorder.hpp>

#include "pcapfile/encoder.hpp"
#include "store/capture_file.hpp"
#include "store/caretaker.hpp"
#include "store/file_series.hpp"
#include "store/rotation.hpp"
#include "store/section.hpp"
#include "store/staging.hpp"

namespace ringtail {

/// The books: every packet given to write() and not cut off is in `accepted_packets_`, and what is in no file is
/// dropped, so delivered = written + dropped whatever happens.
class Recorder::Implementation {
 public:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] static Result<std::unique_ptr<Implementation>> create(RecorderOptions options,
                                                                      const std::vector<const Source*>& sources);

  [[nodiscard]] Result<std::uint16_t> add_source(const Source& source);
  void write(std::uint16_t source_id, Batch& batch);
  void copy_some(std::uint16_t source_id, const Batch& batch, std::uint32_t first, std::uint32_t count);
  void note(std::uint16_t source_id, std::uint16_t interface_id, std::string_view text);
  void tick();
  void rotate();
  Result<void> finish();

  [[nodiscard]] bool is_complete() const noexcept { return complete_; }
  [[nodiscard]] const Error* failure() const noexcept { return failure_ ? &*failure_ : nullptr; }
  /// What the current file holds; nothing when there is none.
  [[nodiscard]] store::WholeRecords current_file() const noexcept;
  [[nodiscard]] RecorderStats stats() const;

 private:
  explicit Implementation(RecorderOptions options);

  // recording_packets.cpp: a batch's way into the file
  void take_interfaces(std::uint16_t source_id);
  [[nodiscard]] bool goes_in_place(std::uint16_t source_id, const Batch& batch) const noexcept;
  [[nodiscard]] bool fits_in_place(std::uint16_t source_id, const Batch& batch) const noexcept;
  void write_in_place(std::uint16_t source_id, Batch& batch);
  [[nodiscard]] std::byte* writable_base(const Batch& batch) const noexcept;
  [[nodiscard]] std::uint32_t put(std::uint16_t source_id, std::span<const PacketDescriptor> packets,
                                  const std::byte* memory_base, std::byte* writable_base);
  void make_room_for_copies(std::uint16_t source_id);
  void close_blocks();
  void end_full_file();
  [[nodiscard]] store::FileLimits limits() const noexcept;

  // recording.cpp: everything else
  [[nodiscard]] Result<std::uint16_t> introduce(const Source& source);
  [[nodiscard]] Result<std::unique_ptr<store::Sink>> open_sink();
  [[nodiscard]] Result<void> open_file();
  [[nodiscard]] std::unique_ptr<store::CaptureFile> end_file();
  [[nodiscard]] bool has_next_file() const noexcept { return options_.storage || options_.rotation.is_on(); }
  void next_file();
  void write_head();
  void write_statistics(bool only_changed);
  [[nodiscard]] bool is_flush_due(Clock::time_point now) const;
  void flush(Clock::time_point now);
  void sync_when_due(Clock::time_point now);
  void prepare_next_file();
  void fail(const Error& error);
  void note_failure();
  void note_caretaker_failure();

  const RecorderOptions options_;
  std::unique_ptr<store::StagingPool> staging_;
  std::unique_ptr<pcapfile::WindowEncoder> encoder_;
  std::unique_ptr<pcapfile::PieceEncoder> piece_encoder_;
  store::Section section_;
  std::vector<store::BlockWriter> blocks_;  // by source id
  store::FileSeries files_;
  store::RotationClock rotation_clock_;
  std::unique_ptr<store::Caretaker> caretaker_;
  std::unique_ptr<store::CaptureFile> file_;  // null after finish() and when the next one could not be opened
  std::string writer_;                        // the sink's name, kept for stats() after finish()
  bool head_written_ = false;                 // of file_
  bool next_asked_for_ = false;               // the file after file_
  bool complete_ = false;
  std::optional<Error> failure_;

  Clock::time_point last_tick_ = Clock::now();
  Clock::time_point statistics_due_{};
  Clock::time_point sync_due_{};
  std::optional<std::uint64_t> sync_bytes_;  // file_ is synced once it holds these
  Clock::time_point sync_latest_{};
  std::vector<std::byte> scratch_;  // blocks on their way into the window

  std::uint64_t accepted_packets_ = 0;
  store::ChunkCounts closed_chunks_;  // of all files but file_
};

}  // namespace ringtail
