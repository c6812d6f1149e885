#include "share/ring_memory.hpp"

#include <cerrno>
#include <string>
#include <sys/socket.h>

namespace ringtail::share {

Result<base::Mapping> map_ring(int descriptor, std::size_t bytes) {
  const std::string operation = "map a packet socket's ring";
  int domain = 0;
  socklen_t length = sizeof domain;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0) {
    return tl::unexpected(system_error(operation, errno, "its kind"));
  }
  if (domain != AF_PACKET) return tl::unexpected(make_error(operation, "it is another kind of socket"));
  return base::Mapping::shared_read_only(descriptor, bytes);
}

}  // namespace ringtail::share
