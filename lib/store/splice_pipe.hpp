// Moves memory into a file by reference: vmsplice(2) puts its pages into a pipe, splice(2) takes them out into the
// file.
//
//   chunk or pieces ──vmsplice──> pipe of 1 MiB, pages by reference ──splice──> file
//
// Into an O_DIRECT descriptor the disk reads from our pages: no copy at all. Into an ordinary one the kernel copies
// them into the page cache while splice runs (iter_file_splice_write(), fs/splice.c).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <sys/uio.h>

#include "base/file_descriptor.hpp"
#include "store/file_io.hpp"

namespace ringtail::store {

class SplicePipe {
 public:
  /// None when the kernel gives us no pipe.
  [[nodiscard]] static std::optional<SplicePipe> create() noexcept;

  /// Moves all pieces, none of them empty, to `offset` of a regular file, one behind the other. When this returns
  /// nobody refers to them any more: splice has returned every byte that went in, or the pipe is gone. An error leaves
  /// the pipe closed; whoever calls goes on with ordinary writes, for EINVAL may only mean that this file system does
  /// not splice.
  [[nodiscard]] Written write(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) noexcept;
  /// And goes on with them: to the very end, which then says what is wrong. Only EIO is taken at its word.
  [[nodiscard]] Written write_or_copy(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) noexcept;

  [[nodiscard]] bool is_open() const noexcept { return input_.is_open(); }

 private:
  SplicePipe(base::FileDescriptor input, base::FileDescriptor output) noexcept
      : input_(std::move(input)), output_(std::move(output)) {}
  [[nodiscard]] Written empty_into(int descriptor, std::size_t bytes, std::uint64_t offset) noexcept;
  void close() noexcept;

  base::FileDescriptor input_;
  base::FileDescriptor output_;
};

}  // namespace ringtail::store
