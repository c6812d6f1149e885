#include "control/server_socket.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "control/socket_path.hpp"

namespace ringtail::control {

namespace {

constexpr int waiting_clients = 16;
constexpr mode_t everybody = 0666;

tl::unexpected<Error> failed(const std::string& path, int error_number, const char* what) {
  return tl::unexpected(system_error("listen on " + path, error_number, what));
}

bool is_still_named(int descriptor, const std::string& path) {
  struct stat held {};
  struct stat named {};
  return ::fstat(descriptor, &held) == 0 && ::lstat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

/// Two daemons that start at once must not take each other's socket for a stale one: whoever has the lock may look.
Result<base::FileDescriptor> lock_name(const std::string& path) {
  const std::string lock_path = path + ".lock";
  for (;;) {
    base::FileDescriptor lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!lock.is_open()) return failed(path, errno, lock_path.c_str());
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      return tl::unexpected(make_error("listen on " + path, "a capture of this name is live", "choose another name"));
    }
    // Whoever had it before us may have removed the name between our two calls.
    if (is_still_named(lock.get(), lock_path)) return lock;
  }
}

/// With the lock held, a socket under our name has nobody behind it.
Result<void> remove_stale(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return failed(path, errno, "");
  }
  if (!S_ISSOCK(status.st_mode)) {
    return tl::unexpected(make_error("listen on " + path, "something else has that name", "remove it"));
  }
  if (::unlink(path.c_str()) != 0) return failed(path, errno, "remove the stale socket");
  return {};
}

}  // namespace

Result<ServerSocket> ServerSocket::listen(const std::string& path) {
  const auto address = socket_address(path);
  if (!address) return tl::unexpected(address.error());
  auto lock = lock_name(path);
  if (!lock) return tl::unexpected(std::move(lock.error()));
  if (auto removed = remove_stale(path); !removed) return tl::unexpected(std::move(removed.error()));

  base::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return failed(path, errno, "socket");
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    return failed(path, errno, "bind");
  }
  ServerSocket server(std::move(socket), std::move(*lock), path);
  if (::chmod(path.c_str(), everybody) != 0) return failed(path, errno, "chmod");
  if (::listen(server.descriptor(), waiting_clients) != 0) return failed(path, errno, "listen");
  return server;
}

ServerSocket::ServerSocket(base::FileDescriptor socket, base::FileDescriptor lock, std::string path) noexcept
    : socket_(std::move(socket)), lock_(std::move(lock)), path_(std::move(path)) {}

ServerSocket::~ServerSocket() {
  if (!socket_.is_open()) return;  // moved from
  ::unlink(path_.c_str());
  ::unlink((path_ + ".lock").c_str());
}

std::optional<base::FileDescriptor> ServerSocket::accept() noexcept {
  base::FileDescriptor client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client.is_open()) return std::nullopt;
  return client;
}

}  // namespace ringtail::control
