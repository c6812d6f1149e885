#include "store/file_io.hpp"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace ringtail::store {

namespace {

/// Calls `write_some(rest)` until nothing is left.
template <typename WriteSome>
Written repeat(int descriptor, std::span<const std::byte> bytes, WriteSome&& write_some) noexcept {
  Written written;
  while (written.bytes < bytes.size()) {
    const ssize_t result = write_some(bytes.subspan(written.bytes));
    if (result > 0) {
      written.bytes += static_cast<std::size_t>(result);
    } else if (result == 0) {
      written.error_number = EIO;  // write(2) gives 0 only for 0 bytes; do not turn in a circle if it happens
      return written;
    } else if (errno == EAGAIN) {
      pollfd writable{.fd = descriptor, .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, -1);  // whatever it says, the next write tells
    } else if (errno != EINTR) {
      written.error_number = errno;
      return written;
    }
  }
  return written;
}

}  // namespace

Written write_all(int descriptor, std::span<const std::byte> bytes) noexcept {
  return repeat(descriptor, bytes, [&](auto rest) { return ::write(descriptor, rest.data(), rest.size()); });
}

Written write_all_at(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) noexcept {
  return repeat(descriptor, bytes, [&](auto rest) {
    return ::pwrite(descriptor, rest.data(), rest.size(), static_cast<off_t>(offset + bytes.size() - rest.size()));
  });
}

Written write_all_at(int descriptor, std::span<const iovec> pieces, std::size_t skip, std::uint64_t offset) noexcept {
  Written written;
  for (const iovec& piece : pieces) {
    const std::span bytes(static_cast<const std::byte*>(piece.iov_base), piece.iov_len);
    const std::size_t skipped = std::min(skip, bytes.size());
    skip -= skipped;
    const Written some = write_all_at(descriptor, bytes.subspan(skipped), offset + written.bytes);
    written.bytes += some.bytes;
    written.error_number = some.error_number;
    if (written.error_number != 0) break;
  }
  return written;
}

bool read_all_at(int descriptor, std::span<std::byte> memory, std::uint64_t offset) noexcept {
  std::size_t done = 0;
  while (done < memory.size()) {
    const ssize_t got =
        ::pread(descriptor, memory.data() + done, memory.size() - done, static_cast<off_t>(offset + done));
    if (got > 0) {
      done += static_cast<std::size_t>(got);
    } else if (got == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace ringtail::store
