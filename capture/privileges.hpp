// Giving up what a running daemon does not need.
//
//   thread    capabilities   system calls                      files
//   opener    net_raw        those of all, and packet sockets  none that it could write, but the storage
//   others    none           what capturing needs              storage and run directories, nothing else to be written
//
// Threads that begin later inherit the limits of the thread that begins them, so all this comes before the workers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ringtail/error.hpp>

#include "base/user.hpp"
#include "opener.hpp"

namespace ringtail::daemon {

struct PrivilegesToKeep {
  std::optional<base::User> user{};  ///< whom to become; nothing: stay who we are
  std::vector<std::string> writable_directories{};
  bool uses_dpdk = false;  ///< EAL needs more than any list foresees: only user and capabilities of others go
};

/// Once sources are open. What the kernel has no means for (Landlock) is left out, which the log tells; anything else
/// that fails is an error. Threads: the main thread, with no other but the opener's.
[[nodiscard]] Result<void> drop_privileges(const PrivilegesToKeep& keep, Opener& opener);

}  // namespace ringtail::daemon
