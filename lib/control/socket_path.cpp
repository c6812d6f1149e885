#include "control/socket_path.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>

namespace ringtail::control {

std::string run_directory(const std::string& asked_for) {
  if (!asked_for.empty()) return asked_for;
  const char* directory = std::getenv("RINGTAIL_RUN_DIR");  // NOLINT(concurrency-mt-unsafe): nobody sets variables
  return directory != nullptr && *directory != '\0' ? directory : "/run/ringtail";
}

bool is_capture_name(const std::string& name) noexcept {
  constexpr std::size_t longest = 64;
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name.size() <= longest && name.front() != '.' &&
         name.find_first_not_of(allowed) == std::string::npos;
}

std::string socket_path(const std::string& directory, const std::string& name) {
  return directory + "/" + name + ".sock";
}

Result<sockaddr_un> socket_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return tl::unexpected(usage_error(
        "use socket " + path, "a socket's path has at most " + std::to_string(sizeof address.sun_path - 1) + " bytes",
        "choose a shorter --run-dir"));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

}  // namespace ringtail::control
