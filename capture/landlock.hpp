// Landlock (landlock(7)): which parts of the file system a thread may change.
#pragma once

#include <string>
#include <vector>

#include <ringtail/error.hpp>

namespace ringtail::daemon {

/// From here on this thread, and those it begins, change nothing below any directory but these. Reading is not
/// limited. No Landlock, in the kernel or in a container: the log says so, and nothing changes. no_new_privs must be
/// set.
[[nodiscard]] Result<void> limit_writing(const std::vector<std::string>& directories);

}  // namespace ringtail::daemon
