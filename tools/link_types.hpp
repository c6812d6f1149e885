// Link types by the names that people and libpcap's programs use.
#pragma once

#include <cstdint>
#include <string>

#include <ringtail/error.hpp>

namespace ringtail::tools {

/// "EN10MB" for 1; "LINKTYPE_4711" for what has no name.
[[nodiscard]] std::string link_type_name(std::uint16_t link_type);

/// "Ethernet" for 1; the name again where there is no description.
[[nodiscard]] std::string link_type_description(std::uint16_t link_type);

/// Takes a name (any case) or a LINKTYPE_ number.
[[nodiscard]] Result<std::uint16_t> parse_link_type(const std::string& text);

}  // namespace ringtail::tools
