// The daemon's log: a line per event on stderr, with a level that journald understands.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringtail::daemon {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// Lines of a lower level than `level` are left out. When stderr goes to the journal (systemd.exec(5), JOURNAL_STREAM),
/// lines begin with their level as sd-daemon(3) wants it, else with time and level. Call it before any other thread.
void set_up_log(std::string_view level);

/// Another level from now on. Threads: any.
void set_log_level(std::string_view level);

/// `capture`: the one it is about; empty: the daemon as a whole. Lines that stderr has no room for are left out, and
/// counted in the next: nobody waits for a reader of the log. Threads: any.
void log(LogLevel level, std::string_view capture, std::string_view text);

}  // namespace ringtail::daemon
