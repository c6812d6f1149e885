#include "store/file_tail.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace ringtail::store {

std::span<const std::byte> FileTail::split(std::span<const std::byte> bytes) noexcept {
  base::require(bytes.size() >= kept_bytes_, "a chunk begins with what the one before has left");
  const std::size_t rest_bytes = bytes.size() % direct_alignment;
  const std::span<const std::byte> rest = bytes.last(rest_bytes);
  std::ranges::copy(rest, memory_.begin());
  kept_bytes_ = rest_bytes;
  const std::span<const std::byte> aligned = bytes.first(bytes.size() - rest_bytes);
  offset_ += aligned.size();
  return aligned;
}

void FileTail::go_past(std::span<const iovec> pieces, std::uint64_t bytes) noexcept {
  const std::uint64_t end = offset_ + kept_bytes_ + bytes;
  const std::uint64_t new_offset = end - end % direct_alignment;
  if (new_offset > offset_) kept_bytes_ = 0;
  offset_ = new_offset;
  std::uint64_t missing = end - offset_ - kept_bytes_;  // the last of them
  for (std::size_t at = pieces.size(); missing > 0;) {
    const iovec& piece = pieces[--at];
    const std::size_t some = std::min<std::uint64_t>(missing, piece.iov_len);
    missing -= some;
    const auto* const last = static_cast<const std::byte*>(piece.iov_base) + piece.iov_len - some;
    std::copy_n(last, some, memory_.begin() + static_cast<std::ptrdiff_t>(kept_bytes_ + missing));
  }
  kept_bytes_ = end - offset_;
}

}  // namespace ringtail::store
