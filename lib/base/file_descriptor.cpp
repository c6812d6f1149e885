#include "base/file_descriptor.hpp"

#include <cerrno>
#include <unistd.h>

namespace ringtail::base {

int FileDescriptor::close() noexcept {
  if (descriptor_ < 0) return 0;
  // close(2), "Dealing with error returns": Linux frees the descriptor even on EINTR, so it is never tried again.
  const int result = ::close(std::exchange(descriptor_, -1));
  return result == 0 || errno == EINTR ? 0 : errno;
}

}  // namespace ringtail::base
