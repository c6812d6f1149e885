#include "ring/link_types.hpp"

#include <algorithm>
#include <iterator>
#include <net/if_arp.h>

#include <ringtail/interface.hpp>

namespace ringtail::ring {

namespace {

// linux/if_arp.h values that the C library's header lacks.
constexpr std::uint16_t hardware_ieee80211_radiotap = 803;
constexpr std::uint16_t hardware_ip6gre = 823;
constexpr std::uint16_t hardware_rawip = 519;

struct NamedLinkType {
  std::uint16_t link_type;
  std::string_view name;         // as libpcap's programs have it
  std::string_view description;  // for people
};

constexpr NamedLinkType named_link_types[] = {
    {link_type::null_loopback, "NULL", "BSD loopback"},
    {link_type::ethernet, "EN10MB", "Ethernet"},
    {link_type::raw_ip, "RAW", "Raw IP"},
    {link_type::ieee802_11, "IEEE802_11", "802.11"},
    {link_type::linux_sll, "LINUX_SLL", "Linux cooked v1"},
    {link_type::ieee802_11_radiotap, "IEEE802_11_RADIO", "802.11 plus radiotap header"},
    {link_type::user0, "USER0", "Bytes of a kind ringtail does not know"},
    {link_type::netlink, "NETLINK", "Linux netlink"},
    {link_type::linux_sll2, "LINUX_SLL2", "Linux cooked v2"},
};

const NamedLinkType* find(std::uint16_t link_type) {
  const auto* const found = std::find_if(std::begin(named_link_types), std::end(named_link_types),
                                         [link_type](const auto& each) { return each.link_type == link_type; });
  return found == std::end(named_link_types) ? nullptr : found;
}

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
    case ARPHRD_NONE:  // tun, WireGuard
    case ARPHRD_PPP:
    case ARPHRD_SLIP:
    case ARPHRD_CSLIP:
    case ARPHRD_SLIP6:
    case ARPHRD_CSLIP6:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
    case ARPHRD_IPGRE:
    case hardware_ip6gre:
    case hardware_rawip:
      return link_type::raw_ip;
    default:  // also netlink monitors: LINKTYPE_NETLINK begins with a header that only cooked sockets are given
      return link_type::user0;
  }
}

std::string_view link_type_name(std::uint16_t link_type) noexcept {
  const NamedLinkType* named = find(link_type);
  return named != nullptr ? named->name : std::string_view();
}

std::string_view link_type_description(std::uint16_t link_type) noexcept {
  const NamedLinkType* named = find(link_type);
  return named != nullptr ? named->description : std::string_view();
}

std::optional<std::uint16_t> link_type_named(std::string_view name) noexcept {
  for (const NamedLinkType& each : named_link_types) {
    if (each.name == name) return each.link_type;
  }
  return std::nullopt;
}

}  // namespace ringtail::ring
