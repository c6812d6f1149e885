// Numbers and times as they are written on command lines.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <ringtail/error.hpp>

namespace ringtail::tools {

/// A whole number within [least, most]; nothing before or behind it. `option` names it in the error.
[[nodiscard]] Result<std::uint64_t> parse_whole(const std::string& option, std::string_view text,
                                                std::uint64_t least = 1,
                                                std::uint64_t most = std::numeric_limits<std::int64_t>::max());

/// A decimal number, above 0 and at most `most`.
[[nodiscard]] Result<double> parse_decimal(const std::string& option, std::string_view text, double most);

/// Seconds, with decimals: "60", "0.5". Above 0, at most a century.
[[nodiscard]] Result<std::chrono::nanoseconds> parse_seconds(const std::string& option, std::string_view text);

/// dumpcap's "duration:S".
[[nodiscard]] Result<std::chrono::nanoseconds> parse_duration(const std::string& option, std::string_view text);

}  // namespace ringtail::tools
