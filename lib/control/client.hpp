// The tools' end: asks a daemon's capture something.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <ringtail/error.hpp>

#include "base/file_descriptor.hpp"
#include "control/line_buffer.hpp"
#include "control/message.hpp"

namespace ringtail::control {

/// A connection for any number of questions, one after the other. Threads: one.
class Client {
 public:
  [[nodiscard]] static Result<Client> connect(const std::string& directory, const std::string& name);

  /// Error: no answer in time, or not one that can be read. That the daemon did not do it is an answer.
  /// `descriptor`, unless -1, goes with the question: the daemon gets one of its own.
  [[nodiscard]] Result<Answer> ask(const Request& request,
                                   std::chrono::milliseconds patience = std::chrono::seconds(10), int descriptor = -1);

 private:
  Client(base::FileDescriptor socket, std::string path) noexcept;
  [[nodiscard]] Result<void> send(std::string_view line, int descriptor);
  [[nodiscard]] Result<std::string> receive(std::chrono::milliseconds patience);
  [[nodiscard]] tl::unexpected<Error> failed(int error_number, const char* what) const;

  base::FileDescriptor socket_;
  std::string path_;
  LineBuffer lines_{std::size_t{1} << 20};
};

/// The names of the captures that have a socket in `directory`, sorted. Whether anybody answers there is not known.
[[nodiscard]] Result<std::vector<std::string>> list_captures(const std::string& directory);

}  // namespace ringtail::control
