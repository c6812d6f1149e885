#include "store/capture_file.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace ringtail::store {

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
    const bool was_empty = taken_.bytes == taken_before_.bytes;
    base::require(!was_empty, "a window holds the longest record there is");
    submit_window();
    return 0;
  }
  for (const PacketDescriptor& packet : packets.first(encoded.packets)) taken_.captured_bytes += packet.captured_length;
  taken_.packets += encoded.packets;
  used(encoded.bytes);
  return encoded.packets;
}

std::span<std::byte> CaptureFile::room() {
  if (window_.empty()) {
    window_ = sink_->window();
    if (window_.empty()) {
      window_staging_ = take_staging();
      window_ = window_staging_.memory();
    }
    const std::span<const std::byte> carried = sink_->carried();
    std::ranges::copy(carried, window_.begin());
    window_used_ = carried.size();
    copied_bytes_ += carried.size();
    taken_before_ = taken_;
  }
  return window_.subspan(window_used_);
}

StagingBuffer CaptureFile::take_staging() {
  StagingBuffer buffer = staging_->take();
  while (!buffer.is_held() && sink_->wait_for_chunk()) buffer = staging_->take();
  return buffer.is_held() ? std::move(buffer) : staging_->wait();  // the rest is out in files that are being closed
}

void CaptureFile::used(std::size_t bytes) {
  if (!waiting_since_) waiting_since_ = Clock::now();
  window_used_ += bytes;
  taken_.bytes += bytes;
  copied_bytes_ += bytes;
}

void CaptureFile::submit_window() {
  const bool has_new_bytes = taken_.bytes != taken_before_.bytes;
  if (!has_new_bytes) return;
  Chunk chunk;
  chunk.bytes = window_.first(window_used_);
  chunk.staging = std::move(window_staging_);
  chunk.hold_limit = staging_->buffers() - 2;  // one more is being filled, one is room to breathe
  chunk.packets = static_cast<std::uint32_t>(taken_.packets - taken_before_.packets);
  chunk.captured_bytes = taken_.captured_bytes - taken_before_.captured_bytes;
  window_ = {};
  taken_before_ = taken_;
  sink_->submit(std::move(chunk));
  if (sink_->carried().empty()) waiting_since_.reset();
}

void CaptureFile::flush() {
  submit_window();
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
  window_staging_.reset();
  sink_->finish();
  waiting_since_.reset();
}

}  // namespace ringtail::store
