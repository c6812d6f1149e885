// The memory that files are read into: a fixed number of buffers, of which batches lend parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <ringtail/error.hpp>

#include "base/mapping.hpp"
#include "base/sanitizer.hpp"
#include "ring/block_ledger.hpp"

namespace ringtail::pcapfile {

/// A buffer is free again when its reader and all batches in it are done with it. take() and lend() belong to the
/// receiving thread, done() to any. Free buffers are poisoned under ASan.
class ReadBuffers {
 public:
  [[nodiscard]] static Result<ReadBuffers> create(std::uint32_t count, std::size_t buffer_bytes) {
    auto memory = base::Mapping::anonymous(count * buffer_bytes);
    if (!memory) return tl::unexpected(std::move(memory.error()));
    return ReadBuffers(std::move(*memory), count, buffer_bytes);
  }

  /// The lowest free one, whose memory is the likeliest to be in a cache still; none: all are lent.
  [[nodiscard]] std::optional<std::uint32_t> take() noexcept {
    for (std::uint32_t buffer = 0; buffer < count_; ++buffer) {
      if (ledger_.is_held(buffer)) continue;
      ledger_.begin_walk(buffer);
      base::unpoison((*this)[buffer].data(), buffer_bytes_);
      return buffer;
    }
    return std::nullopt;
  }
  void lend(std::uint32_t buffer) noexcept { ledger_.lend(buffer); }
  /// Once per take() and once per lend().
  void done(std::uint32_t buffer) noexcept {
    if (!ledger_.done(buffer)) return;
    base::poison((*this)[buffer].data(), buffer_bytes_);
    ledger_.returned(buffer);
  }

  [[nodiscard]] std::span<std::byte> operator[](std::uint32_t buffer) const noexcept {
    return memory_.memory().subspan(buffer * buffer_bytes_, buffer_bytes_);
  }
  [[nodiscard]] std::size_t buffer_bytes() const noexcept { return buffer_bytes_; }

 private:
  ReadBuffers(base::Mapping memory, std::uint32_t count, std::size_t buffer_bytes)
      : memory_(std::move(memory)), ledger_(count), count_(count), buffer_bytes_(buffer_bytes) {}

  base::Mapping memory_;
  ring::BlockLedger ledger_;
  std::uint32_t count_;
  std::size_t buffer_bytes_;
};

}  // namespace ringtail::pcapfile
