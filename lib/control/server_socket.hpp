// The daemon's end: a socket that listens under a name.
#pragma once

#include <optional>
#include <string>

#include <ringtail/error.hpp>

#include "base/file_descriptor.hpp"

namespace ringtail::control {

/// Its name goes when it goes. Everybody may connect (mode 0666): who may do what is decided by peer_of().
class ServerSocket {
 public:
  /// A socket that is there and answers: an error. One that a dead daemon left: replaced. Anything else there: refused.
  [[nodiscard]] static Result<ServerSocket> listen(const std::string& path);
  ServerSocket(ServerSocket&&) noexcept = default;
  ServerSocket& operator=(ServerSocket&&) = delete;
  ~ServerSocket();

  [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// A client's connection (non-blocking), or none, and errno says why: EAGAIN when nobody waits. With EMFILE or ENFILE
  /// somebody does, and the descriptor stays readable.
  [[nodiscard]] std::optional<base::FileDescriptor> accept() noexcept;

 private:
  ServerSocket(base::FileDescriptor socket, base::FileDescriptor lock, std::string path) noexcept;
  base::FileDescriptor socket_;
  base::FileDescriptor lock_;  ///< held as long as the name is ours
  std::string path_;
};

}  // namespace ringtail::control
