// Puts the kernel ring together with its filter. Private to the library's top.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>
#include <ringtail/source.hpp>

namespace ringtail {

/// An interface or "any". Packets flow when it returns. `first_interface_id` is what the source's interface ids begin
/// with. With options.wait_for_interface the source survives the interface.
[[nodiscard]] Result<detail::BackendPointer> open_tpacket(const std::string& device, const OpenOptions& options,
                                                          std::uint16_t first_interface_id = 0);

/// As open_fanout().
[[nodiscard]] Result<std::vector<detail::BackendPointer>> open_tpacket_fanout(const std::string& device,
                                                                              OpenOptions options,
                                                                              std::uint16_t members);

}  // namespace ringtail
