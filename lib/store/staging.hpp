// Memory for file bytes that are not made in place: a fixed number of page-aligned buffers, allocated once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <ringtail/error.hpp>

#include "base/mapping.hpp"
#include "ring/index_queue.hpp"

namespace ringtail::store {

class StagingPool;

/// One buffer on loan from its pool. Move-only; destroying it gives the memory back, on any thread.
class StagingBuffer {
 public:
  StagingBuffer() noexcept = default;
  StagingBuffer(StagingBuffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), index_(other.index_), memory_(std::exchange(other.memory_, {})) {}
  StagingBuffer& operator=(StagingBuffer&& other) noexcept {
    if (this != &other) {
      reset();
      pool_ = std::exchange(other.pool_, nullptr);
      index_ = other.index_;
      memory_ = std::exchange(other.memory_, {});
    }
    return *this;
  }
  StagingBuffer(const StagingBuffer&) = delete;
  StagingBuffer& operator=(const StagingBuffer&) = delete;
  ~StagingBuffer() { reset(); }

  [[nodiscard]] bool is_held() const noexcept { return pool_ != nullptr; }
  [[nodiscard]] std::span<std::byte> memory() const noexcept { return memory_; }
  void reset() noexcept;

 private:
  friend class StagingPool;
  StagingBuffer(StagingPool& pool, std::uint32_t index, std::span<std::byte> memory) noexcept
      : pool_(&pool), index_(index), memory_(memory) {}

  StagingPool* pool_ = nullptr;
  std::uint32_t index_ = 0;
  std::span<std::byte> memory_;
};

/// Outlives its buffers. Threads: any.
class StagingPool {
 public:
  static constexpr std::size_t alignment = 4096;

  /// `buffers` >= 1; `buffer_bytes` is a multiple of `alignment`. Memory is reserved here and touched when first used.
  [[nodiscard]] static Result<std::unique_ptr<StagingPool>> create(std::uint32_t buffers, std::size_t buffer_bytes);

  /// A free buffer, or one that is not held when all are out.
  [[nodiscard]] StagingBuffer take() noexcept;

  /// A free buffer; sleeps until another thread gives one back when all are out.
  [[nodiscard]] StagingBuffer wait() noexcept;

  [[nodiscard]] std::uint32_t buffers() const noexcept { return buffers_; }
  [[nodiscard]] std::size_t buffer_bytes() const noexcept { return buffer_bytes_; }

 private:
  friend class StagingBuffer;
  StagingPool(base::Mapping memory, std::uint32_t buffers, std::size_t buffer_bytes);
  void give_back(std::uint32_t index) noexcept;

  base::Mapping memory_;
  std::uint32_t buffers_;
  std::size_t buffer_bytes_;
  ring::IndexQueue free_;
  std::atomic<std::uint32_t> given_back_{0};  // times, modulo 2^32: what wait() sleeps on
};

inline void StagingBuffer::reset() noexcept {
  if (pool_ != nullptr) std::exchange(pool_, nullptr)->give_back(index_);
  memory_ = {};
}

}  // namespace ringtail::store
