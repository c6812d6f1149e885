#include "values.hpp"

#include <charconv>
#include <fmt/format.h>

namespace ringtail::tools {

namespace {

Error bad_value(const std::string& option, std::string_view text, const std::string& expected) {
  return usage_error(option, fmt::format("'{}' is not {}", text, expected));
}

template <typename Number>
bool parse_all(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

Result<std::uint64_t> parse_whole(const std::string& option, std::string_view text, std::uint64_t least,
                                  std::uint64_t most) {
  std::uint64_t value = 0;
  if (parse_all(text, value) && value >= least && value <= most) return value;
  return tl::unexpected(bad_value(option, text, fmt::format("a whole number from {} to {}", least, most)));
}

Result<double> parse_decimal(const std::string& option, std::string_view text, double most) {
  double value = 0;
  // The comparisons also refuse "nan", which from_chars reads.
  if (parse_all(text, value) && value > 0 && value <= most) return value;
  return tl::unexpected(bad_value(option, text, fmt::format("a number above 0 and up to {}", most)));
}

Result<std::chrono::nanoseconds> parse_seconds(const std::string& option, std::string_view text) {
  constexpr double century = 100.0 * 366 * 24 * 3600;
  return parse_decimal(option, text, century).map([](double seconds) {
    return std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
  });
}

Result<std::chrono::nanoseconds> parse_duration(const std::string& option, std::string_view text) {
  constexpr std::string_view name = "duration:";
  if (text.starts_with(name)) return parse_seconds(option, text.substr(name.size()));
  return tl::unexpected(bad_value(option, text, "duration:S"));
}

}  // namespace ringtail::tools
