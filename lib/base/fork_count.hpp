// Which process this is, after fork(2) too, without asking the kernel each time.
#pragma once

namespace ringtail::base {

/// How many fork(2) calls lie between this process and the one in which this was first called. What was made at another
/// count belongs to another process. Children made by vfork(2) or a bare clone(2) are not noticed; they may do nothing
/// but exec. Any thread.
[[nodiscard]] unsigned fork_count() noexcept;

}  // namespace ringtail::base
