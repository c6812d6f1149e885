// Where a publisher of a given name is found: /run/ringtail/<name>.sock.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <ringtail/error.hpp>

#include "base/deadline.hpp"
#include "base/file_descriptor.hpp"

namespace ringtail::share {

/// RINGTAIL_RUN_DIR, where it is set and the program has no more rights than its user; else /run/ringtail.
[[nodiscard]] std::string default_directory();

/// The socket's path. A name is at most 64 characters and has no slash: an error otherwise.
[[nodiscard]] Result<std::string> socket_path(std::string_view directory, std::string_view name);

/// Publisher: listens at `path`, mode 0666 (who may attach is decided by credentials). What a dead publisher left there
/// is replaced; a live one is an error. Makes the directory, but none above it.
[[nodiscard]] Result<base::FileDescriptor> listen_at(const std::string& path);

/// How long a client waits for a publisher that is there.
inline constexpr std::chrono::seconds usual_patience{5};

/// Client: connects to the publisher at `path`. Where many do at once it waits for its turn, until `deadline`.
[[nodiscard]] Result<base::FileDescriptor> connect_to(
    const std::string& path, const std::string& operation,
    const base::Deadline& deadline = base::Deadline::after(usual_patience));

}  // namespace ringtail::share
