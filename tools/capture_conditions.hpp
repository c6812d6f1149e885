// The "name:value" arguments of -a and -b, in dumpcap's words.
#pragma once

#include <string>

#include "capture_options.hpp"

namespace ringtail::tools {

/// -a duration:S, filesize:kB, files:N, packets:N.
[[nodiscard]] Result<void> add_stop_condition(const std::string& text, CaptureOptions& options);

/// -b duration:S, interval:S, filesize:kB, files:N, packets:N, printname:FILE, total:BYTES, free:PERCENT.
[[nodiscard]] Result<void> add_ring_condition(const std::string& text, Rotation& rotation);

/// With several files (-b, or -a files) "-a filesize" is when to switch, as with dumpcap; with one it is when to stop.
/// Call once, when all of -a and -b is known.
void settle_conditions(CaptureOptions& options);

}  // namespace ringtail::tools
