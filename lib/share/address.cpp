#include "share/address.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace ringtail::share {

namespace {

constexpr std::size_t longest_name = 64;
// Until a place among the waiting ones is free, which makes no event.
constexpr std::chrono::milliseconds queue_interval{2};

base::FileDescriptor make_socket() {
  return base::FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

int connect(int socket, const std::string& path) {
  const sockaddr_un address = address_of(path);
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

int bind(int socket, const std::string& path) {
  const sockaddr_un address = address_of(path);
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

/// Only a refused connection proves that nobody listens (unix(7)).
bool is_stale(const std::string& path) {
  const base::FileDescriptor probe = make_socket();
  return connect(probe.get(), path) != 0 && errno == ECONNREFUSED;
}

}  // namespace

std::string default_directory() {
  const char* directory = ::secure_getenv("RINGTAIL_RUN_DIR");  // NOLINT(concurrency-mt-unsafe): as in dpdk/loader.cpp
  return directory != nullptr ? directory : "/run/ringtail";
}

Result<std::string> socket_path(std::string_view directory, std::string_view name) {
  const std::string operation = "name a publisher '" + std::string(name) + "'";
  if (name.empty() || name.size() > longest_name || name.find('/') != std::string_view::npos || name.front() == '.') {
    return tl::unexpected(usage_error(operation, "a name has 1 to 64 characters, no '/' and no '.' in front"));
  }
  std::string path = std::string(directory) + "/" + std::string(name) + ".sock";
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return tl::unexpected(usage_error(operation, path + " is too long for a socket's address"));
  }
  return path;
}

Result<base::FileDescriptor> listen_at(const std::string& path) {
  const std::string operation = "listen at " + path;
  const std::string directory = std::filesystem::path(path).parent_path();
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return tl::unexpected(system_error(operation, errno, "make " + directory));
  }
  base::FileDescriptor socket = make_socket();
  if (!socket.is_open()) return tl::unexpected(system_error(operation, errno, "socket"));
  int bound = bind(socket.get(), path);
  if (bound != 0 && errno == EADDRINUSE) {
    if (!is_stale(path)) return tl::unexpected(make_error(operation, "a publisher of this name is running"));
    ::unlink(path.c_str());
    bound = bind(socket.get(), path);
  }
  if (bound != 0) return tl::unexpected(system_error(operation, errno));
  if (::chmod(path.c_str(), 0666) != 0 || ::listen(socket.get(), SOMAXCONN) != 0) {
    return tl::unexpected(system_error(operation, errno));
  }
  return socket;
}

Result<base::FileDescriptor> connect_to(const std::string& path, const std::string& operation,
                                        const base::Deadline& deadline) {
  base::FileDescriptor socket = make_socket();
  if (!socket.is_open()) return tl::unexpected(system_error(operation, errno, "socket"));
  int connected = connect(socket.get(), path);
  while (connected != 0 && errno == EAGAIN && !deadline.has_passed()) {  // the queue is full (unix(7), connect(2))
    std::this_thread::sleep_for(queue_interval);
    connected = connect(socket.get(), path);
  }
  if (connected != 0) {
    const int error_number = errno;
    const bool nobody = error_number == ENOENT || error_number == ECONNREFUSED;
    return tl::unexpected(system_error(operation, error_number, path, nobody ? "is its publisher running?" : ""));
  }
  return socket;
}

}  // namespace ringtail::share
