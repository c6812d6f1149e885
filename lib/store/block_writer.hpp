// A ring block on its way to a chunk without leaving its place: batch after batch is encoded where it stands.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

#include <ringtail/batch.hpp>
#include <ringtail/recorder.hpp>

#include "pcapfile/encoder.hpp"
#include "store/chunk.hpp"

namespace ringtail::store {

/// One source's current block. It holds the youngest batch only, which holds the block.
class BlockWriter {
 public:
  using Clock = std::chrono::steady_clock;

  BlockWriter(FileFormat format, Layout layout);

  /// True when `batch` begins a block that is better encoded in place: its memory allows it, and it is not a small one
  /// (an idle link's), which is cheaper to copy than to pad and hold. One that others read is, where no packet moves.
  [[nodiscard]] bool may_begin(const Batch& batch) const noexcept;

  [[nodiscard]] bool is_open() const noexcept { return !held_.empty(); }
  /// True when `batch` goes on where the open block ends, and may be encoded behind it.
  [[nodiscard]] bool continues(const Batch& batch) const noexcept;
  [[nodiscard]] Clock::time_point opened_at() const noexcept { return opened_at_; }

  struct Added {
    std::uint32_t packets = 0;
    std::uint64_t captured_bytes = 0;
  };
  /// Adds the batch to the open block, or opens its block with `carried` bytes in front. Takes it over.
  Added add(Batch&& batch, std::span<const std::byte> carried, pcapfile::InterfaceMap interfaces);

  /// An upper bound of the file bytes the block has become so far, or would with `batch` added.
  [[nodiscard]] std::uint64_t largest_bytes() const noexcept;
  [[nodiscard]] static std::uint64_t largest_bytes_with(const Batch& batch) noexcept;

  struct Finished {
    Chunk chunk;
    bool dilated = false;
    std::uint64_t copied_bytes = 0;
  };
  /// The block's chunk; `alignment` as InPlaceEncoder::finish(). With 1 the rest of the block stays readable.
  [[nodiscard]] Finished finish(std::uint32_t alignment);
  /// Gives the block back unwritten.
  void drop() noexcept { held_.reset(); }

 private:
  [[nodiscard]] bool leaves_to_others(const Batch& batch, bool begins) const noexcept;

  std::unique_ptr<pcapfile::InPlaceEncoder> encoder_;
  Batch held_;
  std::uint32_t carried_bytes_ = 0;
  std::uint32_t packets_ = 0;
  std::uint64_t captured_bytes_ = 0;
  Clock::time_point opened_at_{};
};

}  // namespace ringtail::store
