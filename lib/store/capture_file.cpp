#include "store/capture_file.hpp"

#include <algorithm>
#include <utility>

#include "base/contract.hpp"
#include "pcapfile/pcapng.hpp"

namespace ringtail::store {

CaptureFile::CaptureFile(std::unique_ptr<Sink> sink, FileFormat format, StagingPool& staging,
                         pcapfile::WindowEncoder& encoder, pcapfile::PieceEncoder& piece_encoder)
    : sink_(std::move(sink)), format_(format), staging_(&staging), encoder_(&encoder), piece_encoder_(&piece_encoder) {}

// ---- Copying into the window ---------------------------------------------------------------------------------------

void CaptureFile::append(std::span<const std::byte> blocks) {
  if (blocks.empty()) return;
  if (room().size() < blocks.size()) submit_window();
  const std::span<std::byte> place = room();
  base::require(place.size() >= blocks.size(), "a window holds every block that is appended");
  std::ranges::copy(blocks, place.begin());
  used(blocks.size());
}

std::uint32_t CaptureFile::copy_packets(std::span<const PacketDescriptor> packets, const std::byte* memory_base,
                                        pcapfile::InterfaceMap interfaces, const FileLimits& limits) {
  std::uint32_t copied = 0;
  while (copied < packets.size() && !is_full(limits) && failure() == nullptr) {
    copied += encode_some(packets.subspan(copied), memory_base, interfaces, limits);
  }
  return copied;
}

std::uint32_t CaptureFile::encode_some(std::span<const PacketDescriptor> packets, const std::byte* memory_base,
                                       pcapfile::InterfaceMap interfaces, const FileLimits& limits) {
  packets = packets.first(std::min<std::uint64_t>(packets.size(), limits.packets - taken_.packets));
  const std::span<std::byte> whole_room = room();
  const std::uint64_t bytes_left = limits.bytes - std::min(limits.bytes, taken_.bytes);
  const std::span<std::byte> limited_room = whole_room.first(std::min<std::uint64_t>(whole_room.size(), bytes_left));

  pcapfile::Encoded encoded = encoder_->encode(packets, memory_base, interfaces, limited_room);
  if (encoded.packets == 0 && limited_room.size() < whole_room.size()) {
    // The one record that passes the file's size.
    encoded = encoder_->encode(packets.first(1), memory_base, interfaces, whole_room);
  }
  if (encoded.packets == 0) {
    base::require(window_.has_new_bytes(), "a window holds the longest record there is");
    submit_window();
    return 0;
  }
  std::uint64_t captured_bytes = 0;
  for (const PacketDescriptor& packet : packets.first(encoded.packets)) captured_bytes += packet.captured_length;
  window_.packets += encoded.packets;
  window_.captured_bytes += captured_bytes;
  taken_.packets += encoded.packets;
  taken_.captured_bytes += captured_bytes;
  used(encoded.bytes);
  return encoded.packets;
}

std::span<std::byte> CaptureFile::room() {
  if (window_.memory.empty()) {
    window_ = {};
    window_.memory = sink_->window();
    if (window_.memory.empty()) {
      window_.staging = take_staging();
      window_.memory = window_.staging.memory();
    }
    const std::span<const std::byte> carried = sink_->carried();
    std::ranges::copy(carried, window_.memory.begin());
    window_.carried = carried.size();
    window_.used = carried.size();
    chunks_.copied_bytes += carried.size();
  }
  return window_.memory.subspan(window_.used);
}

StagingBuffer CaptureFile::take_staging() {
  StagingBuffer buffer = staging_->take();
  while (!buffer.is_held() && sink_->wait_for_chunk()) buffer = staging_->take();
  return buffer.is_held() ? std::move(buffer) : staging_->wait();  // the rest is out in files that are being closed
}

void CaptureFile::used(std::size_t bytes) {
  if (!waiting_since_) waiting_since_ = Clock::now();
  window_.used += bytes;
  taken_.bytes += bytes;
  chunks_.copied_bytes += bytes;
}

void CaptureFile::submit_window() {
  if (!window_.has_new_bytes()) return;
  Chunk chunk;
  chunk.bytes = window_.memory.first(window_.used);
  chunk.staging = std::move(window_.staging);
  chunk.packets = window_.packets;
  chunk.captured_bytes = window_.captured_bytes;
  chunk.hold_limit = staging_->buffers() - 2;  // one more is being filled, one is room to breathe
  if (!chunk.staging.is_held()) taken_.bytes += sink_->window_gap_bytes();
  window_ = {};
  submit(std::move(chunk));
}

// Leaves nothing to be carried.
void CaptureFile::submit_aligned_window() {
  const std::size_t alignment = sink_->alignment();
  const auto padding = [&] {
    std::size_t bytes = (alignment - window_.used % alignment) % alignment;
    if (bytes != 0 && bytes < pcapfile::pcapng::smallest_block_bytes) bytes += alignment;
    return bytes;
  };
  if (window_.has_new_bytes() || !sink_->carried().empty()) {
    if (room().size() < padding()) submit_window();
    (void)room();
    if (const std::size_t bytes = padding(); bytes != 0) {
      pcapfile::pcapng::store_filler(room().data(), static_cast<std::uint32_t>(bytes));
      used(bytes);
    }
  }
  submit_window();
}

void CaptureFile::submit(Chunk&& chunk) {
  chunk.handed_over_at = Clock::now();
  sink_->submit(std::move(chunk));
  if (!sink_->holds_back()) waiting_since_.reset();
}

// ---- In pieces, from where packets lie -----------------------------------------------------------------------------

std::uint32_t CaptureFile::pass_packets(std::span<const PacketDescriptor> packets, std::byte* memory_base,
                                        pcapfile::InterfaceMap interfaces, const FileLimits& limits) {
  submit_window();
  window_ = {};
  if (is_full(limits) || failure() != nullptr) return 0;
  packets = packets.first(std::min<std::uint64_t>(packets.size(), limits.packets - taken_.packets));
  const std::uint64_t bytes_left = limits.bytes - std::min(limits.bytes, taken_.bytes);
  const auto encoded = piece_encoder_->encode(packets, memory_base, interfaces, bytes_left);
  const PieceChunk chunk{encoded.pieces, encoded.bytes, packets.first(encoded.pieces.size())};
  for (const PacketDescriptor& packet : chunk.packets) taken_.captured_bytes += packet.captured_length;
  taken_.packets += chunk.packets.size();
  taken_.bytes += chunk.bytes;
  ++chunks_.dilated;
  sink_->submit_pieces(chunk);
  waiting_since_.reset();
  return static_cast<std::uint32_t>(chunk.packets.size());
}

// ---- Ring blocks, in place -----------------------------------------------------------------------------------------

bool CaptureFile::blocks_exclude_each_other() const noexcept {
  return format_ != FileFormat::pcapng && sink_->alignment() > 1;
}

void CaptureFile::add_to_block(BlockWriter& block, Batch&& batch, pcapfile::InterfaceMap interfaces) {
  std::span<const std::byte> carried;
  if (!block.is_open() && blocks_exclude_each_other()) {
    submit_window();
    window_ = {};
    carried = sink_->carried();
  }
  const BlockWriter::Added added = block.add(std::move(batch), carried, interfaces);
  taken_.packets += added.packets;
  taken_.captured_bytes += added.captured_bytes;
}

void CaptureFile::submit_block(BlockWriter& block, bool whole) {
  if (blocks_exclude_each_other()) {
    base::require(!window_.has_new_bytes(), "nothing comes between a block and what it carries");
  } else {
    submit_aligned_window();
  }
  BlockWriter::Finished finished = block.finish(whole ? sink_->alignment() : 1);
  if (!waiting_since_) waiting_since_ = block.opened_at();
  taken_.bytes += finished.chunk.bytes.size() - sink_->carried().size();
  chunks_.copied_bytes += finished.copied_bytes;
  ++(finished.dilated ? chunks_.dilated : chunks_.compacted);
  submit(std::move(finished.chunk));
}

// ---- Getting it into the file --------------------------------------------------------------------------------------

void CaptureFile::flush() {
  submit_window();
  window_ = {};
  sink_->flush();
  waiting_since_.reset();
}

void CaptureFile::flush_and_wait() {
  flush();
  while (sink_->wait_for_chunk()) continue;
  sink_->reap();
}

void CaptureFile::sync() {
  submit_window();
  sink_->sync();
  waiting_since_.reset();
}

void CaptureFile::finish() {
  submit_window();
  window_ = {};
  sink_->finish();
  waiting_since_.reset();
}

}  // namespace ringtail::store
