// What stands behind "dpdk:" when a running application is to be tapped.
#pragma once

#include <string>
#include <string_view>

#include <ringtail/error.hpp>

namespace ringtail::dpdk {

/// "pdump:web/0" taken apart.
struct TapText {
  std::string file_prefix;  ///< the application's --file-prefix; "rte", DPDK's own default, where the text has none
  std::string port;         ///< its number ("0") or its name ("net_memif0", "0000:03:00.0")
};

/// True when `text`, what follows "dpdk:", is about a tap.
[[nodiscard]] bool is_tap_text(std::string_view text) noexcept;

[[nodiscard]] Result<TapText> parse_tap_text(std::string_view text);

}  // namespace ringtail::dpdk
