// From the kernel's hardware types to the link types that files carry.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ringtail::ring {

/// The LINKTYPE_ value (https://www.tcpdump.org/linktypes.html) of frames that a packet socket of type SOCK_RAW gets
/// from a device of `hardware_type` (ARPHRD_*, linux/if_arp.h). Devices whose frames begin with an IP header are
/// raw_ip. A type that ringtail does not know is user0: its frames are kept as they are, and no reader takes them for
/// something else.
[[nodiscard]] std::uint16_t link_type_of_hardware(std::uint16_t hardware_type) noexcept;

/// The short name that -y takes and -L shows ("EN10MB"); empty for types ringtail does not name.
[[nodiscard]] std::string_view link_type_name(std::uint16_t link_type) noexcept;

/// "Ethernet" for EN10MB; empty where there is no name either.
[[nodiscard]] std::string_view link_type_description(std::uint16_t link_type) noexcept;

/// The link type with that short name, in capitals as link_type_name() gives it.
[[nodiscard]] std::optional<std::uint16_t> link_type_named(std::string_view name) noexcept;

}  // namespace ringtail::ring
