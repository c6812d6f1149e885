// Which release this is.
#pragma once

#include <string_view>

namespace ringtail::daemon {

[[nodiscard]] std::string_view version() noexcept;

}  // namespace ringtail::daemon
