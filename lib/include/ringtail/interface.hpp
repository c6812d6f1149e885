// What is known about where packets come from; becomes an Interface Description Block in a pcapng file.
#pragma once

#include <cstdint>
#include <string>

namespace ringtail {

/// Link types that ringtail names itself; the values are those of https://www.tcpdump.org/linktypes.html
namespace link_type {
inline constexpr std::uint16_t null_loopback = 0;
inline constexpr std::uint16_t ethernet = 1;
inline constexpr std::uint16_t raw_ip = 101;
inline constexpr std::uint16_t ieee802_11 = 105;
inline constexpr std::uint16_t linux_sll = 113;
inline constexpr std::uint16_t ieee802_11_radiotap = 127;
inline constexpr std::uint16_t user0 = 147;  ///< of private use: an interface whose kind ringtail does not know
inline constexpr std::uint16_t netlink = 253;
inline constexpr std::uint16_t linux_sll2 = 276;
}  // namespace link_type

/// One interface of a source. Immutable once published; a source may add further ones while it runs ("any").
struct Interface {
  std::string name{};           ///< "eth0"; for files, what the file says
  std::string description{};    ///< for people; may be empty
  std::string filter{};         ///< the capture filter in force; may be empty
  std::string hardware{};       ///< driver and bus, where known; may be empty
  std::uint64_t speed_bps = 0;  ///< 0: not known
  std::uint32_t index = 0;      ///< the kernel's ifindex, 0 where there is none
  std::uint32_t snaplen = 0;    ///< most bytes a packet of this interface is captured with; 0: no limit
  std::uint16_t link_type = 0;
  std::uint8_t mac_address[6] = {};
  bool has_mac_address = false;

  [[nodiscard]] bool operator==(const Interface&) const = default;
};

}  // namespace ringtail
