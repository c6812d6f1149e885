// What people read on stderr about a capture, in dumpcap's manner.
#pragma once

#include <string>

#include "capture_options.hpp"
#include "summary.hpp"

namespace ringtail::tools {

/// "Capturing on 'eth0' and 'eth1'", and a "File: ..." for each file that is open.
[[nodiscard]] std::string opening_text(const CaptureOptions& options, const std::vector<std::string>& files);

/// Packets captured, received and dropped per interface, and the books: received = delivered + dropped.
[[nodiscard]] std::string account_text(const Summary& summary);

}  // namespace ringtail::tools
