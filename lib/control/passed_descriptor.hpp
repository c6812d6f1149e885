// A file that goes with a message (unix(7), SCM_RIGHTS). Whoever asks has opened it with rights of its own, so the
// daemon can be asked to write a file without anybody borrowing the daemon's rights.
#pragma once

#include <span>
#include <string_view>
#include <sys/types.h>

#include "base/file_descriptor.hpp"

namespace ringtail::control {

/// As send(2); `descriptor` goes with the first byte unless it is -1.
[[nodiscard]] ssize_t send_with_descriptor(int socket, std::string_view bytes, int descriptor) noexcept;

/// As recv(2). A descriptor that came with the bytes takes the place of `descriptor`; of several only the first is
/// kept.
[[nodiscard]] ssize_t receive_with_descriptor(int socket, std::span<char> bytes,
                                              base::FileDescriptor& descriptor) noexcept;

}  // namespace ringtail::control
