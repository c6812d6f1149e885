#include "store/staging.hpp"

#include <sys/mman.h>

#include "base/contract.hpp"
#include "base/sanitizer.hpp"

namespace ringtail::store {

Result<std::unique_ptr<StagingPool>> StagingPool::create(std::uint32_t buffers, std::size_t buffer_bytes) {
  base::require(buffers > 0 && buffer_bytes > 0 && buffer_bytes % alignment == 0, "staging buffers are whole pages");
  auto memory = base::Mapping::anonymous(buffers * buffer_bytes);
  if (!memory) return tl::unexpected(std::move(memory.error()));
  // Fewer pages for the processor and for direct I/O to look up; where the kernel has no huge ones, usual ones do.
  (void)::madvise(memory->data(), memory->size(), MADV_HUGEPAGE);
  return std::unique_ptr<StagingPool>(new StagingPool(std::move(*memory), buffers, buffer_bytes));
}

StagingPool::StagingPool(base::Mapping memory, std::uint32_t buffers, std::size_t buffer_bytes)
    : memory_(std::move(memory)), buffers_(buffers), buffer_bytes_(buffer_bytes), free_(buffers) {
  for (std::uint32_t index = 0; index < buffers; ++index) free_.push(index);
}

StagingBuffer StagingPool::take() noexcept {
  std::uint32_t index = 0;
  if (!free_.pop(index)) return {};
  std::byte* memory = memory_.data() + index * buffer_bytes_;
  base::unpoison(memory, buffer_bytes_);
  return {*this, index, {memory, buffer_bytes_}};
}

StagingBuffer StagingPool::wait() noexcept {
  for (;;) {
    // Acquire pairs with the release in give_back(): a buffer given back before this value is in the queue.
    const std::uint32_t seen = given_back_.load(std::memory_order_acquire);
    if (StagingBuffer buffer = take(); buffer.is_held()) return buffer;
    given_back_.wait(seen, std::memory_order_acquire);
  }
}

void StagingPool::give_back(std::uint32_t index) noexcept {
  base::poison(memory_.data() + index * buffer_bytes_, buffer_bytes_);
  free_.push(index);                                    // cannot be full: the queue has room for every buffer
  given_back_.fetch_add(1, std::memory_order_release);  // pairs with wait()
  given_back_.notify_one();
}

}  // namespace ringtail::store
