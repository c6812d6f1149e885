// How the program speaks to people and scripts: one line on stderr, and an exit status.
#pragma once

#include <string_view>

#include <ringtail/error.hpp>

namespace ringtail::tools {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;  ///< cannot be parsed, or asks for what no machine can do

/// Prints "ringtail: <message>" and returns the exit status that goes with the error.
int report(const Error& error);

/// Prints "ringtail: warning: <text>"; the work goes on.
void warn(std::string_view text);

/// Prints `text` as it is on stderr. A broken stderr is ignored: it must not end a capture.
void tell(std::string_view text);

}  // namespace ringtail::tools
