// The end of a file that is written in whole multiples of an alignment: what lies below it is kept for the next write.
//
//     file    0            4096                   k*4096        k*4096+r
//             |  written, aligned                 | kept        |
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/uio.h>

#include "store/direct_io.hpp"

namespace ringtail::store {

class FileTail {
 public:
  /// `bytes` begin with a copy of kept(). Returns their aligned front, whose place in the file is what offset() was
  /// before, and keeps a copy of the rest.
  [[nodiscard]] std::span<const std::byte> split(std::span<const std::byte> bytes) noexcept;

  /// The file has got longer in another way, by these bytes in pieces: keeps a copy of what of them lies below the
  /// alignment.
  void go_past(std::span<const iovec> pieces, std::uint64_t bytes) noexcept;

  [[nodiscard]] std::span<const std::byte> kept() const noexcept { return {memory_.data(), kept_bytes_}; }
  /// Of kept() in the file: a multiple of the alignment.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

 private:
  std::uint64_t offset_ = 0;
  std::size_t kept_bytes_ = 0;
  std::array<std::byte, direct_alignment> memory_;
};

}  // namespace ringtail::store
