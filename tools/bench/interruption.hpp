// Ctrl-C ends the bench between two steps, so that what it has started and written is removed.
#pragma once

namespace ringtail::bench {

/// From here on SIGINT and SIGTERM only set a flag.
void watch_for_interruption();

[[nodiscard]] bool interrupted() noexcept;

}  // namespace ringtail::bench
