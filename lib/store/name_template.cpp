#include "store/name_template.hpp"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <string_view>

namespace ringtail::store {

namespace {

constexpr std::string_view sequence_field = "{sequence}";
constexpr const char* decimal_digits = "0123456789";
constexpr std::size_t fewest_digits = 5;
constexpr std::size_t most_digits = 18;
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
  NameTemplate made(std::move(before), std::move(after));
  if (made.has_date_beside_number()) {
    return refuse("its number cannot be told from the date beside it", "put something between them that is no digit");
  }
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
  if (name.size() > longest_name_bytes) return std::nullopt;
  const std::vector<bool> begins = ends_of(before_pattern_, name);
  const std::vector<bool> ends = ends_of(after_pattern_, std::string(name.rbegin(), name.rend()));
  for (std::size_t begin = 0; begin < name.size(); ++begin) {
    if (!begins[begin]) continue;
    const std::size_t after_digits = std::min(name.find_first_not_of(decimal_digits, begin), name.size());
    for (std::size_t end = std::min(after_digits, begin + most_digits); end >= begin + fewest_digits; --end) {
      if (!ends[name.size() - end]) continue;
      std::uint64_t sequence = 0;
      std::from_chars(name.data() + begin, name.data() + end, sequence);
      return sequence;
    }
  }
  return std::nullopt;
}

NameTemplate::NameTemplate(std::string before, std::string after)
    : before_(std::move(before)),
      after_(std::move(after)),
      before_pattern_(pattern_of(before_)),
      after_pattern_(pattern_of(after_)) {
  std::reverse(after_pattern_.begin(), after_pattern_.end());
  for (std::string& text : after_pattern_) std::reverse(text.begin(), text.end());
}

bool NameTemplate::has_date_beside_number() const {
  const auto ends_with_date = [](const Pattern& pattern) {
    return pattern.size() > 1 && pattern.back().find_first_not_of(decimal_digits) == std::string::npos;
  };
  return ends_with_date(before_pattern_) || ends_with_date(after_pattern_);
}

/// A conversion may have flags, a width, and E or O before its letter (strftime(3)).
NameTemplate::Pattern NameTemplate::pattern_of(const std::string& format) {
  Pattern pattern(1);
  for (std::size_t at = 0; at < format.size(); ++at) {
    const std::size_t letter = format[at] == '%' ? format.find_first_not_of("_-^#+0123456789EO", at + 1) : at;
    if (letter == std::string::npos) break;
    const bool is_literal = format[letter] == '%' || letter == at;
    at = letter;
    if (is_literal)
      pattern.back() += format[letter];
    else if (pattern.size() == 1 || !pattern.back().empty())
      pattern.emplace_back();
  }
  return pattern;
}

/// True at each position where a beginning of `name` ends that the pattern matches.
std::vector<bool> NameTemplate::ends_of(const Pattern& pattern, const std::string& name) {
  std::vector<bool> ends(name.size() + 1);
  if (name.starts_with(pattern.front())) ends[pattern.front().size()] = true;
  for (std::size_t part = 1; part < pattern.size(); ++part) {
    const std::string& text = pattern[part];
    std::vector<bool> next(ends.size());
    bool is_reached = false;  // by what stands in front, one character ago at least
    for (std::size_t at = 0; at + text.size() <= name.size(); ++at) {
      if (is_reached && name.compare(at, text.size(), text) == 0) next[at + text.size()] = true;
      is_reached = is_reached || ends[at];
    }
    ends = std::move(next);
  }
  return ends;
}

}  // namespace ringtail::store
