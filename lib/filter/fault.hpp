// Says where a filter text is wrong. libpcap's compiler only says that it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "filter/handle.hpp"

namespace ringtail::filter {

/// `message` is what run_compiler() said of `text`, which is not blank; the result is that with the place where there
/// is one: "syntax error at column 5, near 'prot'". Columns count bytes from 1. Compiles the text a few times more.
[[nodiscard]] std::string locate_fault(pcap& handle, const std::string& text, std::uint32_t netmask,
                                       const std::string& message);

/// `text` fit for an error line: no control characters, and cut when it is long.
[[nodiscard]] std::string shorten(std::string_view text);

}  // namespace ringtail::filter
