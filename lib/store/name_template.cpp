#include "store/name_template.hpp"

#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <string_view>

namespace ringtail::store {

namespace {

constexpr std::string_view sequence_field = "{sequence}";
constexpr std::size_t longest_name_bytes = 200;  // NAME_MAX is 255, and a hidden name is longer

/// What belongs to a name must not be taken for a directory or a conversion.
std::string as_literal(const std::string& text) {
  std::string literal;
  for (const char character : text) {
    if (character == '%') literal += '%';
    literal += character == '/' ? '_' : character;
  }
  return literal;
}

std::string replace_fields(std::string text, const std::string& capture, const std::string& interface) {
  for (const auto& [field, value] : {std::pair{std::string_view("{capture}"), as_literal(capture)},
                                     std::pair{std::string_view("{interface}"), as_literal(interface)}}) {
    for (std::size_t at = text.find(field); at != std::string::npos; at = text.find(field, at + value.size())) {
      text.replace(at, field.size(), value);
    }
  }
  return text;
}

/// A regular expression for all that strftime(3) could make of `format`.
std::string pattern_of(std::string_view format) {
  constexpr std::string_view special = R"(^$\.*+?()[]{}|)";
  std::string pattern;
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] == '%' && at + 1 < format.size()) {
      ++at;
      pattern += format[at] == '%' ? "%" : "[^/]+?";
    } else {
      if (special.find(format[at]) != std::string_view::npos) pattern += '\\';
      pattern += format[at];
    }
  }
  return pattern;
}

std::string format_time(const std::string& format, const std::tm& time) {
  if (format.empty()) return {};
  char text[512];
  const std::size_t length = std::strftime(text, sizeof text, format.c_str(), &time);
  return {text, length};
}

}  // namespace

Result<NameTemplate> NameTemplate::parse(const std::string& text, const std::string& capture,
                                         const std::string& interface) {
  const auto refuse = [&text](const char* reason, const char* remedy) {
    return tl::unexpected(usage_error("use file name '" + text + "'", reason, remedy));
  };
  const std::string format = replace_fields(text, capture, interface);
  const std::size_t sequence = format.find(sequence_field);
  if (sequence == std::string::npos) return refuse("names would not be unique", "put {sequence} into it");
  std::string before = format.substr(0, sequence);
  std::string after = format.substr(sequence + sequence_field.size());
  if ((before + after).find_first_of("{}") != std::string::npos) {
    return refuse("it has an unknown field", "the fields are {capture}, {interface} and {sequence}");
  }
  if (format.find('/') != std::string::npos) return refuse("it has a directory in it", "all files are in one");
  if (format.front() == '.') return refuse("it begins with a dot", "hidden files are those still being written");
  const std::regex pattern(pattern_of(before) + "([0-9]{5,18})" + pattern_of(after));
  NameTemplate made(std::move(before), std::move(after), pattern);
  const std::string example = made.name(1, std::time(nullptr));
  if (example.size() > longest_name_bytes) return refuse("it makes names that are too long", "make it shorter");
  if (example.find('/') != std::string::npos) return refuse("its date has a '/' in it", "use %Y-%m-%d");
  return made;
}

std::string NameTemplate::name(std::uint64_t sequence, std::time_t time) const {
  std::tm local{};
  ::localtime_r(&time, &local);
  char number[32];
  std::snprintf(number, sizeof number, "%05" PRIu64, sequence);
  return format_time(before_, local) + number + format_time(after_, local);
}

std::optional<std::uint64_t> NameTemplate::sequence_of(const std::string& name) const {
  std::smatch match;
  if (name.size() > longest_name_bytes || !std::regex_match(name, match, pattern_)) return std::nullopt;
  const std::string digits = match[1];
  std::uint64_t sequence = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), sequence);
  return sequence;
}

}  // namespace ringtail::store
