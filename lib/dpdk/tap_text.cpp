#include "dpdk/tap_text.hpp"

#include <regex>

namespace ringtail::dpdk {

namespace {

constexpr std::string_view tap_prefix = "pdump:";

}  // namespace

bool is_tap_text(std::string_view text) noexcept {
  return text.starts_with(tap_prefix);
}

Result<TapText> parse_tap_text(std::string_view text) {
  // The prefix becomes part of a path; it may not lead elsewhere.
  static const std::regex tap("pdump:([A-Za-z0-9_.-]*)/([A-Za-z0-9_.:-]+)");
  const std::string whole(text);
  std::smatch match;
  if (!std::regex_match(whole, match, tap) || match[1] == "." || match[1] == "..") {
    return tl::unexpected(usage_error("open dpdk:" + whole, "a tap is written pdump:PREFIX/PORT",
                                      "PREFIX is the application's --file-prefix (rte if it has none), PORT a number "
                                      "or a name, as in dpdk:pdump:rte/0"));
  }
  return TapText{.file_prefix = match[1].length() == 0 ? "rte" : match[1].str(), .port = match[2]};
}

}  // namespace ringtail::dpdk
