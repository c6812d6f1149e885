// One file of a recording while it is being written: bytes are gathered in a window, chunk by chunk, for the sink.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <ringtail/packet.hpp>

#include "pcapfile/encoder.hpp"
#include "store/rotation.hpp"
#include "store/sink.hpp"
#include "store/staging.hpp"

namespace ringtail::store {

/// Counts are of everything taken, on its way or in the file, and say how long the file will be; after a failure
/// written() says what it really holds. Whoever calls looks at failure() afterwards.
class CaptureFile {
 public:
  using Clock = std::chrono::steady_clock;

  /// `staging` and `encoder` outlive the file.
  CaptureFile(std::unique_ptr<Sink> sink, StagingPool& staging, pcapfile::WindowEncoder& encoder)
      : sink_(std::move(sink)), staging_(&staging), encoder_(&encoder) {}

  /// Appends finished blocks that are no packets. Shorter than a staging buffer.
  void append(std::span<const std::byte> blocks);

  /// Copies packets from the front of `packets` until all are taken, the file is full or the sink fails. How many.
  [[nodiscard]] std::uint32_t copy_packets(std::span<const PacketDescriptor> packets, const std::byte* memory_base,
                                           pcapfile::InterfaceMap interfaces, const FileLimits& limits);

  [[nodiscard]] bool is_full(const FileLimits& limits) const noexcept {
    // A limit below the header's own length still lets one packet in, or files would follow each other for ever.
    return taken_.packets >= limits.packets || (taken_.bytes >= limits.bytes && taken_.packets > 0);
  }

  void reap() noexcept { sink_->reap(); }
  void flush();
  /// The same, and returns when all is in the file.
  void flush_and_wait();
  void sync();
  void finish();

  /// Since when something has been waiting outside the file; none when nothing is.
  [[nodiscard]] std::optional<Clock::time_point> waiting_since() const noexcept { return waiting_since_; }
  [[nodiscard]] const WholeRecords& taken() const noexcept { return taken_; }
  [[nodiscard]] const WholeRecords& written() const noexcept { return failure() == nullptr ? taken_ : sink_->landed(); }
  [[nodiscard]] std::uint64_t copied_bytes() const noexcept { return copied_bytes_; }
  [[nodiscard]] const Error* failure() const noexcept { return sink_->failure(); }
  [[nodiscard]] const Sink& sink() const noexcept { return *sink_; }

 private:
  [[nodiscard]] std::span<std::byte> room();  // what is left of the window; opens one when there is none
  [[nodiscard]] StagingBuffer take_staging();
  void used(std::size_t bytes);
  void submit_window();
  [[nodiscard]] std::uint32_t encode_some(std::span<const PacketDescriptor> packets, const std::byte* memory_base,
                                          pcapfile::InterfaceMap interfaces, const FileLimits& limits);

  std::unique_ptr<Sink> sink_;
  StagingPool* staging_;
  pcapfile::WindowEncoder* encoder_;

  std::span<std::byte> window_;   // empty: none is open
  StagingBuffer window_staging_;  // its memory, unless it is the sink's
  std::size_t window_used_ = 0;   // carried bytes included
  WholeRecords taken_before_;     // taken_ when the window was opened

  WholeRecords taken_;
  std::uint64_t copied_bytes_ = 0;
  std::optional<Clock::time_point> waiting_since_;
};

}  // namespace ringtail::store
