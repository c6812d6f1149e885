// Memory of our own for a port's mbufs, in place of DPDK's: sealed, so that packets in it can be lent to processes that
// know nothing of DPDK and cannot be kept from trying to write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <rte_dev.h>
#include <utility>

#include <ringtail/error.hpp>

#include "base/sealed_memory.hpp"
#include "ring/backend.hpp"

namespace ringtail::dpdk {

/// What is to be made: so many mbufs of that size, and of another.
struct PoolSizes {
  std::uint32_t mbufs = 0;
  std::uint32_t data_bytes = 0;
  std::uint32_t large_mbufs = 0;
  std::uint32_t large_data_bytes = 0;
};

/// A part of the memory, for one pool.
struct PoolPart {
  std::byte* data = nullptr;
  std::size_t bytes = 0;
  std::size_t page_bytes = 0;
};

/// DPDK calls this external memory (Programmer's Guide, "Support for Externally Allocated Memory"). Its own (also a
/// memfd, where it keeps no files) cannot be sealed, and holds far more than packets.
///
/// Clients see all of it: packets, and the mbufs in front of them with addresses of this process.
class PoolMemory {
 public:
  /// Of huge pages where DPDK has such, on NUMA node `socket` if possible. All pages are there afterwards.
  [[nodiscard]] static Result<PoolMemory> create(const PoolSizes& sizes, int socket);
  PoolMemory(PoolMemory&& other) noexcept
      : memory_(std::move(other.memory_)),
        page_bytes_(other.page_bytes_),
        large_offset_(other.large_offset_),
        is_registered_(std::exchange(other.is_registered_, false)),
        device_(std::exchange(other.device_, nullptr)) {}
  PoolMemory& operator=(PoolMemory&&) = delete;
  ~PoolMemory();

  /// Lets a device write here that does so by itself, as virtual ones do not. unmap() comes before the device goes, and
  /// when it has stopped.
  [[nodiscard]] Result<void> map_for(rte_device& device);
  void unmap() noexcept;

  [[nodiscard]] PoolPart pool() const noexcept { return {memory_.data(), large_offset_, page_bytes_}; }
  [[nodiscard]] PoolPart large_pool() const noexcept {
    return {memory_.data() + large_offset_, memory_.size() - large_offset_, page_bytes_};
  }
  [[nodiscard]] ringtail::detail::LendableMemory lendable() const noexcept {
    return {
        .descriptor = memory_.descriptor(), .inode = memory_.inode(), .base = memory_.data(), .bytes = memory_.size()};
  }

 private:
  PoolMemory(base::SealedMemory memory, std::size_t page_bytes, std::size_t large_offset) noexcept
      : memory_(std::move(memory)), page_bytes_(page_bytes), large_offset_(large_offset) {}
  [[nodiscard]] Result<void> register_with_dpdk();

  base::SealedMemory memory_;
  std::size_t page_bytes_;
  std::size_t large_offset_;
  bool is_registered_ = false;
  rte_device* device_ = nullptr;  // mapped for
};

}  // namespace ringtail::dpdk
