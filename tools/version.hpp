// Which release this is.
#pragma once

#include <string_view>

namespace ringtail::tools {

/// "0.1.0"
[[nodiscard]] std::string_view version() noexcept;

}  // namespace ringtail::tools
