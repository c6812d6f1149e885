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

/// Written, not allocated: a file that is only longer would show zeros. And it is the cheaper way of taking room on the
/// disk, without which a store into the window would be SIGBUS (README).
int write_again_and_again(int descriptor, std::uint64_t begin, std::uint64_t end, std::span<const std::byte> piece) {
  for (std::uint64_t offset = begin; offset < end; offset += piece.size()) {
    const auto bytes = piece.first(std::min<std::uint64_t>(piece.size(), end - offset));
    if (const int error = write_all_at(descriptor, bytes, offset).error_number; error != 0) return error;
  }
  return 0;
}

constexpr std::size_t piece_bytes = 64 << 10;  // stays in the first caches
constexpr std::size_t page_bytes = 4096;

/// A filler block to each page: a write that a signal interrupts ends between pages (generic_perform_write(),
/// mm/filemap.c), and so with a whole block.
int write_fillers(int descriptor, std::uint64_t begin, std::uint64_t end) {
  std::vector<std::byte> fillers(piece_bytes);
  std::uint64_t first_bytes = (page_bytes - begin % page_bytes) % page_bytes;
  if (first_bytes != 0 && first_bytes < pcapng::smallest_block_bytes) first_bytes += page_bytes;
  if (first_bytes != 0) {
    pcapng::store_filler(fillers.data(), static_cast<std::uint32_t>(first_bytes));
    const Written first = write_all_at(descriptor, std::span(fillers).first(first_bytes), begin);
    if (first.error_number != 0) return first.error_number;
  }
  for (std::size_t at = 0; at < piece_bytes; at += page_bytes) pcapng::store_filler(&fillers[at], page_bytes);
  return write_again_and_again(descriptor, begin + first_bytes, end, fillers);
}

}  // namespace

std::uint32_t WindowCover::gap_bytes() const noexcept {
  return is_pcapng_ ? pcapng::smallest_block_bytes : 0;
}

std::uint32_t WindowCover::rest_bytes() const noexcept {
  return is_pcapng_ ? pcapng::smallest_block_bytes : 0;
}

int WindowCover::extend(int descriptor, std::uint64_t landed, std::uint64_t length, std::uint64_t new_length) const {
  if (!is_pcapng_) {
    const std::vector<std::byte> ones(piece_bytes, std::byte{0xFF});
    return write_again_and_again(descriptor, length, new_length, ones);
  }
  if (const int error = write_fillers(descriptor, length, new_length); error != 0) return error;
  // All of them become one: its two lengths.
  const auto filler_bytes = static_cast<std::uint32_t>(new_length - landed);
  const int error = write_at(descriptor, new_length - pcapng::block_trailer_bytes, filler_bytes);
  return error != 0 ? error : write_at(descriptor, landed, filler_head(filler_bytes));
}

void WindowCover::publish(std::span<std::byte> tail, std::size_t chunk_bytes) const noexcept {
  if (!is_pcapng_) return;  // every record was part of the file when its head was written
  const std::uint32_t gap = gap_bytes();
  const std::span<std::byte> rest = tail.subspan(gap + chunk_bytes);
  pcapfile::store(tail.data() + sizeof(pcapng::BlockHead), gap);
  pcapfile::store(rest.data(), filler_head(rest.size()));
  pcapfile::store(rest.data() + rest.size() - pcapng::block_trailer_bytes, static_cast<std::uint32_t>(rest.size()));
  // All stores above before the one below, for a signal that ends us here; its partner is whoever reads the file.
  std::atomic_signal_fence(std::memory_order_release);
  pcapfile::store(tail.data() + offsetof(pcapng::BlockHead, total_length), gap);
}

}  // namespace ringtail::store
