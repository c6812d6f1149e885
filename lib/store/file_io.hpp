// write(2) and pwrite(2) until everything is written or something is really wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/uio.h>

namespace ringtail::store {

struct Written {
  std::size_t bytes = 0;
  int error_number = 0;  ///< 0: all were written
};

/// Writes at the descriptor's position. Short writes and EINTR are gone on from; a descriptor that would block
/// (non-blocking pipes) is waited for.
[[nodiscard]] Written write_all(int descriptor, std::span<const std::byte> bytes) noexcept;

/// The same at `offset`, for regular files.
[[nodiscard]] Written write_all_at(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) noexcept;

/// The same for bytes in pieces, without the first `skip` of them.
[[nodiscard]] Written write_all_at(int descriptor, std::span<const iovec> pieces, std::size_t skip,
                                   std::uint64_t offset) noexcept;

/// Fills `memory` from `offset`. False at the end of the file or when it cannot be read.
[[nodiscard]] bool read_all_at(int descriptor, std::span<std::byte> memory, std::uint64_t offset) noexcept;

}  // namespace ringtail::store
