// One file of a recording while it is being written: packets become chunks here, copied or in place, for the sink.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <ringtail/packet.hpp>

#include "pcapfile/encoder.hpp"
#include "pcapfile/piece_encoder.hpp"
#include "store/block_writer.hpp"
#include "store/rotation.hpp"
#include "store/sink.hpp"
#include "store/staging.hpp"

namespace ringtail::store {

/// How the chunks of a file were made: from ring blocks, and of packets that went in pieces, which count as dilated.
struct ChunkCounts {
  std::uint64_t dilated = 0;
  std::uint64_t compacted = 0;
  std::uint64_t copied_bytes = 0;
};

/// Counts are of everything taken, on its way or in the file, and say how long the file will be; after a failure
/// written() says what it really holds. Whoever calls looks at failure() afterwards.
class CaptureFile {
 public:
  using Clock = std::chrono::steady_clock;

  /// `staging` and the encoders outlive the file.
  CaptureFile(std::unique_ptr<Sink> sink, FileFormat format, StagingPool& staging, pcapfile::WindowEncoder& encoder,
              pcapfile::PieceEncoder& piece_encoder);

  /// Appends finished blocks that are no packets. Shorter than a staging buffer.
  void append(std::span<const std::byte> blocks);

  /// Copies packets from the front of `packets` until all are taken, the file is full or the sink fails. How many.
  [[nodiscard]] std::uint32_t copy_packets(std::span<const PacketDescriptor> packets, const std::byte* memory_base,
                                           pcapfile::InterfaceMap interfaces, const FileLimits& limits);

  [[nodiscard]] Pieces pieces() const noexcept { return sink_->pieces(); }
  /// The same without a copy of ours, for packets around which records fit (PieceEncoder::fits()), some of them at a
  /// time. They are in the file when this returns. Not where pieces are refused.
  [[nodiscard]] std::uint32_t pass_packets(std::span<const PacketDescriptor> packets, std::byte* memory_base,
                                           pcapfile::InterfaceMap interfaces, const FileLimits& limits);

  /// False where the sink has memory of its own, into which everything is copied.
  [[nodiscard]] bool takes_blocks() const noexcept { return !sink_->has_memory(); }
  /// True where a block's chunk must begin with what the one before has left, so that from add_to_block() to
  /// submit_block() nothing else may be written: classic pcap that goes out in whole multiples of an alignment. (In
  /// pcapng a filler makes ends meet.)
  [[nodiscard]] bool blocks_exclude_each_other() const noexcept;
  /// Adds a batch to `block`, which belongs to this file from then on.
  void add_to_block(BlockWriter& block, Batch&& batch, pcapfile::InterfaceMap interfaces);
  /// Sends the block off; not `whole` when batches of it are still to come, which then have to be copied.
  void submit_block(BlockWriter& block, bool whole);

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

  /// Since when something has been waiting outside the file; none when nothing is. Open blocks know for themselves.
  [[nodiscard]] std::optional<Clock::time_point> waiting_since() const noexcept { return waiting_since_; }
  /// The bytes of open blocks are not in it yet; their packets are.
  [[nodiscard]] const WholeRecords& taken() const noexcept { return taken_; }
  [[nodiscard]] const WholeRecords& written() const noexcept { return failure() == nullptr ? taken_ : sink_->landed(); }
  /// What is known to be in the file already.
  [[nodiscard]] std::uint64_t landed_bytes() const noexcept { return sink_->landed().bytes; }
  [[nodiscard]] const LatencyHistogram& latency() const noexcept { return sink_->latency(); }
  [[nodiscard]] const ChunkCounts& chunks() const noexcept { return chunks_; }
  [[nodiscard]] const Error* failure() const noexcept { return sink_->failure(); }
  [[nodiscard]] const Sink& sink() const noexcept { return *sink_; }

 private:
  /// What the next chunk is gathered in: a staging buffer or the sink's own memory.
  struct Window {
    std::span<std::byte> memory;  // empty: not open
    StagingBuffer staging;
    std::size_t carried = 0;  // bytes in front that the sink has carried over
    std::size_t used = 0;     // those included
    std::uint32_t packets = 0;
    std::uint64_t captured_bytes = 0;
    [[nodiscard]] bool has_new_bytes() const noexcept { return used > carried; }
  };

  [[nodiscard]] std::span<std::byte> room();  // what is left of the window; opens one when there is none
  [[nodiscard]] StagingBuffer take_staging();
  void used(std::size_t bytes);
  void submit_window();
  void submit_aligned_window();
  void submit(Chunk&& chunk);
  [[nodiscard]] std::uint32_t encode_some(std::span<const PacketDescriptor> packets, const std::byte* memory_base,
                                          pcapfile::InterfaceMap interfaces, const FileLimits& limits);

  std::unique_ptr<Sink> sink_;
  FileFormat format_;
  StagingPool* staging_;
  pcapfile::WindowEncoder* encoder_;
  pcapfile::PieceEncoder* piece_encoder_;
  Window window_;
  WholeRecords taken_;
  ChunkCounts chunks_;
  std::optional<Clock::time_point> waiting_since_;
};

}  // namespace ringtail::store
