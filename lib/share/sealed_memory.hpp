// Memory that can be lent to anybody: sealed before the first stranger sees it.
#pragma once

#include <cstddef>

#include <ringtail/error.hpp>

#include "base/file_descriptor.hpp"
#include "base/mapping.hpp"

namespace ringtail::share {

enum class Writers { owner_alone, owner_and_holder };

/// Zeroed memory of the publisher, and the descriptor that clients get. Sealed with F_SEAL_SHRINK, _GROW and _SEAL, and
/// for Writers::owner_alone with F_SEAL_FUTURE_WRITE: our mapping writes on, but no later one can be writable,
/// mprotect, write(2), truncation and hole punching are refused, also through /proc (fcntl(2), mm/shmem.c).
class SealedMemory {
 public:
  [[nodiscard]] static Result<SealedMemory> create(const char* name, std::size_t bytes, Writers writers);

  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
  [[nodiscard]] std::byte* data() const noexcept { return memory_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return memory_.size(); }

 private:
  SealedMemory(base::FileDescriptor descriptor, base::Mapping memory) noexcept
      : descriptor_(std::move(descriptor)), memory_(std::move(memory)) {}

  base::FileDescriptor descriptor_;
  base::Mapping memory_;
};

/// Maps what a publisher has sent: `bytes` of it, read-only unless `writable`. Refuses memory that could be cut short
/// under us (a later access would be SIGBUS) and memory that is too short already.
[[nodiscard]] Result<base::Mapping> map_sealed(int descriptor, std::size_t bytes, bool writable);

}  // namespace ringtail::share
