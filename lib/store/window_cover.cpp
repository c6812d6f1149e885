#include "store/window_cover.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <vector>

#include "pcapfile/bytes.hpp"
#include "pcapfile/pcapng.hpp"
#include "store/file_io.hpp"

namespace ringtail::store {

namespace {

namespace pcapng = pcapfile::pcapng;

template <typename Value>
int write_at(int descriptor, std::uint64_t offset, const Value& value) {
  return write_all_at(descriptor, std::as_bytes(std::span(&value, 1)), offset).error_number;
}

pcapng::BlockHead filler_head(std::uint64_t bytes) noexcept {
  return {pcapng::block_type::filler, static_cast<std::uint32_t>(bytes)};
}

/// Written, not allocated: a classic pcap that is only longer would show zeros, which are packets. And it is the
/// cheaper way of taking room on the disk, without which a store into the window would be SIGBUS (README).
int write_fill(int descriptor, std::uint64_t begin, std::uint64_t end, std::byte value) {
  constexpr std::size_t piece_bytes = 64 << 10;  // stays in the first caches
  const std::vector<std::byte> fill(piece_bytes, value);
  for (std::uint64_t offset = begin; offset < end; offset += piece_bytes) {
    const auto piece = std::span(fill).first(std::min<std::uint64_t>(piece_bytes, end - offset));
    if (const int error = write_all_at(descriptor, piece, offset).error_number; error != 0) return error;
  }
  return 0;
}

}  // namespace

std::uint32_t WindowCover::gap_bytes() const noexcept {
  return is_pcapng_ ? pcapng::smallest_block_bytes : 0;
}

std::uint32_t WindowCover::rest_bytes() const noexcept {
  return is_pcapng_ ? pcapng::smallest_block_bytes : 0;
}

int WindowCover::extend(int descriptor, std::uint64_t landed, std::uint64_t length, std::uint64_t new_length) const {
  if (!is_pcapng_) return write_fill(descriptor, length, new_length, std::byte{0xFF});
  // A block whose head says that it is longer than the file is a torn one; it is whole when its last byte is there.
  const auto filler_bytes = static_cast<std::uint32_t>(new_length - landed);
  if (const int error = write_at(descriptor, landed, filler_head(filler_bytes)); error != 0) return error;
  const std::uint64_t trailer = new_length - pcapng::block_trailer_bytes;
  const std::uint64_t body = std::max(length, landed + sizeof(pcapng::BlockHead));
  if (const int error = write_fill(descriptor, body, trailer, std::byte{0}); error != 0) return error;
  return write_at(descriptor, trailer, filler_bytes);
}

void WindowCover::publish(std::span<std::byte> tail, std::size_t chunk_bytes) const noexcept {
  if (!is_pcapng_) return;  // every record was part of the file when its head was written
  const std::uint32_t gap = gap_bytes();
  const std::span<std::byte> rest = tail.subspan(gap + chunk_bytes);
  pcapfile::store(tail.data() + sizeof(pcapng::BlockHead), gap);
  pcapfile::store(rest.data(), filler_head(rest.size()));
  pcapfile::store(rest.data() + rest.size() - pcapng::block_trailer_bytes, static_cast<std::uint32_t>(rest.size()));
  // All stores above before the one below, for a signal that ends us here; its partner is whoever reads the file.
  std::atomic_thread_fence(std::memory_order_release);
  pcapfile::store(tail.data() + offsetof(pcapng::BlockHead, total_length), gap);
}

}  // namespace ringtail::store
