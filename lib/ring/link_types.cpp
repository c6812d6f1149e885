#include "ring/link_types.hpp"

#include <net/if_arp.h>

#include <ringtail/interface.hpp>

namespace ringtail::ring {

namespace {

// linux/if_arp.h values that the C library's header lacks.
constexpr std::uint16_t hardware_ieee80211_radiotap = 803;
constexpr std::uint16_t hardware_netlink = 824;

struct LinkTypeName {
  std::uint16_t link_type;
  std::string_view name;
};

constexpr LinkTypeName names[] = {
    {link_type::null_loopback, "NULL"},  {link_type::ethernet, "EN10MB"},
    {link_type::raw_ip, "RAW"},          {link_type::ieee802_11, "IEEE802_11"},
    {link_type::linux_sll, "LINUX_SLL"}, {link_type::ieee802_11_radiotap, "IEEE802_11_RADIO"},
    {link_type::netlink, "NETLINK"},     {link_type::linux_sll2, "LINUX_SLL2"},
};

}  // namespace

std::uint16_t link_type_of_hardware(std::uint16_t hardware_type) noexcept {
  switch (hardware_type) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
      return link_type::ethernet;
    case ARPHRD_IEEE80211:
      return link_type::ieee802_11;
    case hardware_ieee80211_radiotap:
      return link_type::ieee802_11_radiotap;
    case hardware_netlink:
      return link_type::netlink;
    default:
      return link_type::raw_ip;
  }
}

std::string_view link_type_name(std::uint16_t link_type) noexcept {
  for (const LinkTypeName& entry : names) {
    if (entry.link_type == link_type) return entry.name;
  }
  return {};
}

}  // namespace ringtail::ring
