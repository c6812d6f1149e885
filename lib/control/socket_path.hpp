// Where a capture's control socket is.
#pragma once

#include <string>
#include <sys/un.h>

#include <ringtail/error.hpp>

namespace ringtail::control {

/// `asked_for` if it is not empty, else $RINGTAIL_RUN_DIR, else /run/ringtail.
[[nodiscard]] std::string run_directory(const std::string& asked_for);

/// A name that is a file's name, too: letters, digits and "._-", not beginning with a dot, at most 64 of them.
[[nodiscard]] bool is_capture_name(const std::string& name) noexcept;

/// "<directory>/<name>.sock".
[[nodiscard]] std::string socket_path(const std::string& directory, const std::string& name);

/// Error: longer than the 107 bytes that an address holds (unix(7)).
[[nodiscard]] Result<sockaddr_un> socket_address(const std::string& path);

}  // namespace ringtail::control
