// seccomp: which system calls a thread may make.
#pragma once

#include <cstdint>

#include <ringtail/error.hpp>

namespace ringtail::daemon {

enum class ThreadRole : std::uint8_t {
  opener,  ///< may make packet sockets and configure them
  other,   ///< may not: no AF_PACKET socket, none of its options
};

/// From here on this thread, and those it begins, get EPERM for calls that are not on the role's list. no_new_privs
/// must be set.
[[nodiscard]] Result<void> limit_system_calls(ThreadRole role);

}  // namespace ringtail::daemon
