// Open files that go with a message from process to process (unix(7), SCM_RIGHTS).
#pragma once

#include <cstddef>
#include <span>
#include <sys/types.h>

#include "base/file_descriptor.hpp"

namespace ringtail::base {

inline constexpr std::size_t most_passed_descriptors = 4;

/// As send(2). The descriptors go with the first byte, and stay open here; at most most_passed_descriptors.
[[nodiscard]] ssize_t send_with_descriptors(int socket, std::span<const std::byte> bytes,
                                            std::span<const int> descriptors, int flags = 0) noexcept;

/// As recv(2). Descriptors that came with the bytes take the places of the first ones in `descriptors`, at most
/// most_passed_descriptors; `count` says how many came. What does not fit is closed, so that nobody can fill this
/// process up with files. They do not outlive an exec.
[[nodiscard]] ssize_t receive_with_descriptors(int socket, std::span<std::byte> bytes,
                                               std::span<FileDescriptor> descriptors, std::size_t& count,
                                               int flags = 0) noexcept;

}  // namespace ringtail::base
