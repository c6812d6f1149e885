// The questions that `ringtail capture` answers instead of recording, on stdout and in dumpcap's words.
#pragma once

#include <vector>

#include "capture_options.hpp"

namespace ringtail::tools {

/// -D: "1. eth0" and so on.
[[nodiscard]] Result<void> print_numbered_devices();

/// -L: the link types that each device has.
[[nodiscard]] Result<void> print_link_types(const std::vector<InterfaceOptions>& interfaces);

/// -d: each filter as the instructions that would go to the kernel (or, for files, run here).
[[nodiscard]] Result<void> print_filters(const std::vector<InterfaceOptions>& interfaces);

/// -S: a table of what each interface has received and dropped, every second until a signal comes.
[[nodiscard]] Result<void> print_statistics(CaptureOptions options);

}  // namespace ringtail::tools
