// Which process this is, after fork(2) too, without asking the kernel each time.
#pragma once

#include <sys/types.h>

namespace ringtail::base {

/// As getpid(2). Children made by vfork(2) or a bare clone(2) are not noticed; they may do nothing but exec. Any
/// thread. A program and a module that each have this code agree, whenever they asked first.
[[nodiscard]] pid_t own_process() noexcept;

}  // namespace ringtail::base
