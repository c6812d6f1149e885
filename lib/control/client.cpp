#include "control/client.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "base/deadline.hpp"
#include "base/descriptor_message.hpp"
#include "control/socket_path.hpp"

namespace ringtail::control {

Client::Client(base::FileDescriptor socket, std::string path) noexcept
    : socket_(std::move(socket)), path_(std::move(path)) {}

tl::unexpected<Error> Client::failed(int error_number, const char* what) const {
  return tl::unexpected(system_error("ask the daemon at " + path_, error_number, what));
}

Result<Client> Client::connect(const std::string& directory, const std::string& name) {
  const std::string path = socket_path(directory, name);
  if (!is_capture_name(name)) {
    return tl::unexpected(usage_error("ask capture '" + name + "'", "that is no name of a capture"));
  }
  const auto address = socket_address(path);
  if (!address) return tl::unexpected(address.error());
  Client client(base::FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), path);
  if (!client.socket_.is_open()) return client.failed(errno, "socket");
  if (::connect(client.socket_.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0) {
    return client;
  }
  const bool nobody = errno == ENOENT || errno == ECONNREFUSED;
  return tl::unexpected(system_error("ask capture " + name, errno, path,
                                     nobody ? "no ringtaild captures under this name; see ringtail stat" : ""));
}

Result<Answer> Client::ask(const Request& request, std::chrono::milliseconds patience, int descriptor) {
  if (auto sent = send(encode(request), descriptor); !sent) return tl::unexpected(std::move(sent.error()));
  return receive(patience).and_then([](const std::string& line) { return decode_answer(line); });
}

Result<void> Client::send(std::string_view line, int descriptor) {
  while (!line.empty()) {
    const std::span<const int> with(&descriptor, descriptor >= 0 ? 1U : 0U);
    const ssize_t sent = base::send_with_descriptors(socket_.get(), std::as_bytes(std::span(line)), with);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return failed(errno, "send");
    descriptor = -1;  // it has gone with the first bytes
    line.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<std::string> Client::receive(std::chrono::milliseconds patience) {
  const base::Deadline deadline = base::Deadline::after(patience);
  char bytes[16384];
  for (;;) {
    if (auto line = lines_.next()) return *std::move(line);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining(patience));
    pollfd readable{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&readable, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return failed(ready == 0 ? ETIMEDOUT : errno, "wait for the answer");
    const ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(errno, "receive");
    if (got == 0) return failed(ECONNRESET, "the daemon went away");
    if (!lines_.add({bytes, static_cast<std::size_t>(got)})) return failed(EMSGSIZE, "an endless answer");
  }
}

Result<std::vector<std::string>> list_captures(const std::string& directory) {
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  if (error && error != std::errc::no_such_file_or_directory) {
    return tl::unexpected(system_error("list captures in " + directory, error.value()));
  }
  std::vector<std::string> names;
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const std::filesystem::path& path = entries->path();
    if (path.extension() == ".sock" && is_capture_name(path.stem().string())) names.push_back(path.stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace ringtail::control
