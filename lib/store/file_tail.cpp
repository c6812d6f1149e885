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

}  // namespace ringtail::store
