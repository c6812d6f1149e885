#include "pcapfile/file_input.hpp"

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringtail::pcapfile {

Result<FileInput> FileInput::open(const std::string& path) {
  const bool is_standard_input = path == "-";
  base::FileDescriptor descriptor(is_standard_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                                    : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  const std::string operation = "open " + (is_standard_input ? "standard input" : path);
  if (!descriptor.is_open()) return tl::unexpected(system_error(operation, errno));
  struct stat status = {};
  if (::fstat(descriptor.get(), &status) != 0) return tl::unexpected(system_error(operation, errno));
  if (S_ISDIR(status.st_mode)) return tl::unexpected(system_error(operation, EISDIR));
  if (S_ISREG(status.st_mode)) {
    // Advice only; a file system that will not have it reads as well.
    (void)::posix_fadvise(descriptor.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  return FileInput(path, std::move(descriptor), S_ISREG(status.st_mode));
}

Result<std::size_t> FileInput::read(std::span<std::byte> into) {
  ssize_t got = -1;
  do {
    got = ::read(descriptor_.get(), into.data(), into.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) return tl::unexpected(system_error("read " + path_, errno));
  return static_cast<std::size_t>(got);
}

bool FileInput::wait(int wake_descriptor, std::chrono::nanoseconds timeout) const noexcept {
  if (is_regular_) return true;
  pollfd descriptors[] = {{.fd = descriptor_.get(), .events = POLLIN, .revents = 0},
                          {.fd = wake_descriptor, .events = POLLIN, .revents = 0}};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timespec limit = {.tv_sec = seconds.count(), .tv_nsec = static_cast<long>((timeout - seconds).count())};
  return ::ppoll(descriptors, 2, &limit, nullptr) > 0 && descriptors[0].revents != 0;
}

}  // namespace ringtail::pcapfile
