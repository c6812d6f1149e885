// Captures as Prometheus sees them (its text format, version 0.0.4).
#pragma once

#include <string>
#include <vector>

#include "control/status.hpp"

namespace ringtail::daemon {

[[nodiscard]] std::string metrics_text(const std::vector<control::CaptureStatus>& captures);

/// What is wrong with the captures, a line each; empty: they are well.
[[nodiscard]] std::string health_complaints(const std::vector<control::CaptureStatus>& captures);

}  // namespace ringtail::daemon
