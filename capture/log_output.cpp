#include "log_output.hpp"

#include <cerrno>
#include <climits>
#include <poll.h>
#include <unistd.h>

namespace ringtail::daemon {

bool LogOutput::write(std::string_view line) noexcept {
  if (is_torn_ && !write_piece("\n")) return false;
  is_torn_ = false;
  while (!line.empty()) {
    const std::string_view piece = line.substr(0, PIPE_BUF);
    if (!write_piece(piece)) return false;
    line.remove_prefix(piece.size());
    is_torn_ = !line.empty();
  }
  return true;
}

/// What poll(2) calls writable takes PIPE_BUF bytes without waiting: a pipe has a page for them (fs/pipe.c,
/// pipe_poll()), a socket most of its buffer (net/unix/af_unix.c, unix_writable()). Making it O_NONBLOCK instead would
/// do so for everybody who has the same descriptor, a shell's terminal too.
bool LogOutput::write_piece(std::string_view piece) const noexcept {
  pollfd writable{.fd = descriptor_, .events = POLLOUT, .revents = 0};
  if (::poll(&writable, 1, 0) != 1 || (writable.revents & POLLOUT) == 0) return false;
  ssize_t written = -1;
  do {
    written = ::write(descriptor_, piece.data(), piece.size());
  } while (written < 0 && errno == EINTR);
  return written == static_cast<ssize_t>(piece.size());
}

}  // namespace ringtail::daemon
