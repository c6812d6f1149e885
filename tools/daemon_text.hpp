// What people read about a running daemon's captures.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/status.hpp"

namespace ringtail::tools {

/// "1.2 GB": three digits or so, units of a thousand.
[[nodiscard]] std::string bytes_text(double bytes);

/// `ringtail stat`: a few lines, with the books.
[[nodiscard]] std::string stat_text(const control::CaptureStatus& status);

/// One capture at two moments; rates are what lies between them. Without an earlier one there are no rates yet.
struct StatusPair {
  std::optional<control::CaptureStatus> before{};
  control::CaptureStatus now{};
};

/// `ringtail top`: a table of all captures and their interfaces, no line longer than `columns`.
[[nodiscard]] std::string top_text(const std::vector<StatusPair>& captures, std::size_t columns);

}  // namespace ringtail::tools
