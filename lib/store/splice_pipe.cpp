#include "store/splice_pipe.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace ringtail::store {

namespace {

/// What anybody may ask for (fs/pipe.c, pipe_max_size). A page takes a slot however little of it is used, so only
/// memory that begins on a page boundary fills the pipe.
constexpr int pipe_bytes = 1 << 20;
constexpr std::size_t most_pieces = pipe_bytes / 4096;

}  // namespace

std::optional<SplicePipe> SplicePipe::create() noexcept {
  int ends[2] = {};
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  // A smaller pipe (fs.pipe-user-pages-soft is used up) means more calls, nothing else.
  (void)::fcntl(ends[1], F_SETPIPE_SZ, pipe_bytes);
  return SplicePipe(base::FileDescriptor(ends[1]), base::FileDescriptor(ends[0]));
}

Written SplicePipe::write(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) noexcept {
  Written written;
  std::array<iovec, most_pieces> next;
  std::size_t begun = 0;  // bytes of the first piece that are in the file already
  while (!pieces.empty() && written.error_number == 0) {
    const std::size_t count = std::min(pieces.size(), next.size());
    std::ranges::copy(pieces.first(count), next.begin());
    next[0] = {static_cast<std::byte*>(next[0].iov_base) + begun, next[0].iov_len - begun};
    // The pipe is empty, so this takes something and never waits; a full pipe makes it short.
    const ssize_t taken = is_open() ? ::vmsplice(input_.get(), next.data(), count, 0) : (errno = EBADF, -1);
    if (taken > 0) {
      const Written moved = empty_into(descriptor, static_cast<std::size_t>(taken), offset + written.bytes);
      written.bytes += moved.bytes;
      written.error_number = moved.error_number;
      for (begun += moved.bytes; !pieces.empty() && begun >= pieces[0].iov_len; pieces = pieces.subspan(1)) {
        begun -= pieces[0].iov_len;
      }
    } else if (taken == 0 || errno != EINTR) {
      written.error_number = taken == 0 ? EIO : errno;
    }
  }
  if (written.error_number != 0) close();
  return written;
}

Written SplicePipe::write_or_copy(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) noexcept {
  const Written written = write(descriptor, pieces, offset);
  if (written.error_number == 0 || written.error_number == EIO) return written;
  const Written rest = write_all_at(descriptor, pieces, written.bytes, offset + written.bytes);
  return {written.bytes + rest.bytes, rest.error_number};
}

// Short splices are real: at a limit, on a full disk, after a signal.
Written SplicePipe::empty_into(int descriptor, std::size_t bytes, std::uint64_t offset) noexcept {
  Written moved;
  while (moved.bytes < bytes) {
    auto place = static_cast<loff_t>(offset + moved.bytes);
    const ssize_t spliced = ::splice(output_.get(), nullptr, descriptor, &place, bytes - moved.bytes, 0);
    if (spliced > 0) {
      moved.bytes += static_cast<std::size_t>(spliced);
    } else if (spliced == 0 || errno != EINTR) {
      moved.error_number = spliced == 0 ? EIO : errno;
      break;
    }
  }
  return moved;
}

// With its last end a pipe lets go of the pages in it (free_pipe_info(), fs/pipe.c).
void SplicePipe::close() noexcept {
  input_.close();
  output_.close();
}

}  // namespace ringtail::store
