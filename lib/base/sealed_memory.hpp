// Memory that can be lent to anybody: sealed before the first stranger sees it.
#pragma once

#include <cstddef>
#include <cstdint>

#include <ringtail/error.hpp>

#include "base/file_descriptor.hpp"
#include "base/mapping.hpp"

namespace ringtail::base {

enum class Writers { owner_alone, owner_and_holder };

/// Zeroed memory of the lender, and the descriptor that borrowers get. Sealed with F_SEAL_SHRINK, _GROW and _SEAL, and
/// for Writers::owner_alone with F_SEAL_FUTURE_WRITE: our mapping writes on, but no later one can be writable,
/// mprotect, write(2), truncation and hole punching are refused, also through /proc (fcntl(2), mm/shmem.c,
/// fs/hugetlbfs/inode.c).
class SealedMemory {
 public:
  /// `huge_page_bytes`: of the pages it is made of, and `bytes` a multiple of that; 0: usual pages.
  [[nodiscard]] static Result<SealedMemory> create(const char* name, std::size_t bytes, Writers writers,
                                                   std::size_t huge_page_bytes = 0);

  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
  [[nodiscard]] std::byte* data() const noexcept { return memory_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return memory_.size(); }
  /// Of the memory behind the descriptor. No other memory has it while anybody has this one open.
  [[nodiscard]] std::uint64_t inode() const noexcept { return inode_; }

 private:
  SealedMemory(FileDescriptor descriptor, Mapping memory, std::uint64_t inode) noexcept
      : descriptor_(std::move(descriptor)), memory_(std::move(memory)), inode_(inode) {}

  FileDescriptor descriptor_;
  Mapping memory_;
  std::uint64_t inode_;
};

/// Maps what a publisher has sent: `bytes` of it, or all, read-only unless `writable`. Refuses memory that could be cut
/// short or get holes under us (a later access would be SIGBUS), and memory that is too short already.
[[nodiscard]] Result<Mapping> map_sealed(int descriptor, std::size_t bytes, bool writable);
[[nodiscard]] Result<Mapping> map_all_sealed(int descriptor);

}  // namespace ringtail::base
