#include "link_types.hpp"

#include <algorithm>
#include <cctype>
#include <limits>

#include "ring/link_types.hpp"
#include "values.hpp"

namespace ringtail::tools {

std::string link_type_name(std::uint16_t link_type) {
  const std::string_view name = ring::link_type_name(link_type);
  return name.empty() ? "LINKTYPE_" + std::to_string(link_type) : std::string(name);
}

std::string link_type_description(std::uint16_t link_type) {
  const std::string_view description = ring::link_type_description(link_type);
  return description.empty() ? link_type_name(link_type) : std::string(description);
}

Result<std::uint16_t> parse_link_type(const std::string& text) {
  std::string capitals = text;
  std::transform(text.begin(), text.end(), capitals.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  if (const auto named = ring::link_type_named(capitals)) return *named;
  const auto number = parse_whole("-y", text, 0, std::numeric_limits<std::uint16_t>::max());
  if (number) return static_cast<std::uint16_t>(*number);
  return tl::unexpected(usage_error("-y", "'" + text + "' is no link type", "-L lists those of an interface"));
}

}  // namespace ringtail::tools
