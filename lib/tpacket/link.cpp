#include "tpacket/link.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring/link_types.hpp"

namespace ringtail::tpacket {

namespace {

// A full RTM_NEWLINK with all its nested attributes fits many times; the kernel never sends more per datagram in a
// dump.
constexpr std::size_t answer_bytes = std::size_t{64} * 1024;

int read_attribute(const nlattr* attribute, void* data) {
  auto& link = *static_cast<Link*>(data);
  const std::uint16_t bytes = mnl_attr_get_payload_len(attribute);
  switch (mnl_attr_get_type(attribute)) {
    case IFLA_IFNAME:
      if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0) link.name = mnl_attr_get_str(attribute);
      break;
    case IFLA_MTU:
      if (bytes == sizeof(std::uint32_t)) link.mtu = mnl_attr_get_u32(attribute);
      break;
    case IFLA_ADDRESS:
      link.has_mac_address = bytes == sizeof link.mac_address;
      if (link.has_mac_address) std::memcpy(link.mac_address, mnl_attr_get_payload(attribute), bytes);
      break;
    case IFLA_STATS64: {
      rtnl_link_stats64 counters = {};
      std::memcpy(&counters, mnl_attr_get_payload(attribute), std::min<std::size_t>(bytes, sizeof counters));
      link.dropped = counters.rx_dropped + counters.rx_missed_errors + counters.rx_fifo_errors;
      break;
    }
    default:
      break;
  }
  return MNL_CB_OK;
}

int add_link(const nlmsghdr* message, void* data) {
  if (message->nlmsg_type == RTM_NEWLINK) static_cast<std::vector<Link>*>(data)->push_back(read_link(*message));
  return MNL_CB_OK;
}

std::string driver_of(int socket, ifreq request) {
  ethtool_drvinfo info = {};
  info.cmd = ETHTOOL_GDRVINFO;
  request.ifr_data = reinterpret_cast<char*>(&info);
  if (::ioctl(socket, SIOCETHTOOL, &request) != 0) return {};
  std::string text(info.driver, ::strnlen(info.driver, sizeof info.driver));
  const std::string bus(info.bus_info, ::strnlen(info.bus_info, sizeof info.bus_info));
  if (!bus.empty()) text += " " + bus;
  return text;
}

std::uint64_t speed_of(int socket, ifreq request) {
  ethtool_cmd command = {};
  command.cmd = ETHTOOL_GSET;
  request.ifr_data = reinterpret_cast<char*>(&command);
  if (::ioctl(socket, SIOCETHTOOL, &request) != 0) return 0;
  const std::uint32_t mbps = ethtool_cmd_speed(&command);
  return mbps == static_cast<std::uint32_t>(SPEED_UNKNOWN) ? 0 : std::uint64_t{mbps} * 1'000'000;
}

}  // namespace

Link read_link(const nlmsghdr& message) {
  const auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  Link link;
  link.index = static_cast<std::uint32_t>(info->ifi_index);
  link.hardware_type = info->ifi_type;
  link.flags = info->ifi_flags;
  mnl_attr_parse(&message, sizeof *info, read_attribute, &link);
  return link;
}

bool Link::is_up() const {
  return (flags & IFF_UP) != 0;
}
bool Link::is_running() const {
  return (flags & IFF_RUNNING) != 0;
}
bool Link::is_loopback() const {
  return (flags & IFF_LOOPBACK) != 0;
}

Result<LinkQuery> LinkQuery::open() {
  base::FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket.is_open()) return tl::unexpected(system_error("ask the kernel for interfaces", errno, "rtnetlink"));
  return LinkQuery(std::move(socket));
}

// Asks for one interface (by index or name) or, with neither, for all. Returns 0 or an errno.
int LinkQuery::request(std::uint32_t index, const std::string& name, std::vector<Link>& links) {
  std::vector<char> buffer(answer_bytes);
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_GETLINK;
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK);
  if (index == 0 && name.empty()) message->nlmsg_flags |= static_cast<std::uint16_t>(NLM_F_DUMP);
  message->nlmsg_seq = ++sequence_;
  auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  info->ifi_index = static_cast<int>(index);
  if (!name.empty()) mnl_attr_put_strz(message, IFLA_IFNAME, name.c_str());
  if (::send(socket_.get(), message, message->nlmsg_len, 0) < 0) return errno;

  for (;;) {
    const ssize_t received = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return errno;
    const int verdict = mnl_cb_run(buffer.data(), static_cast<std::size_t>(received), sequence_, 0, add_link, &links);
    if (verdict < 0) return errno;
    if (verdict == MNL_CB_STOP) return 0;
  }
}

Result<Link> LinkQuery::by_name(const std::string& name) {
  const std::string operation = "open " + name;
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return tl::unexpected(make_error(operation, "'" + name + "' is not the name of an interface",
                                     "'ringtail list' shows the interfaces there are"));
  }
  std::vector<Link> links;
  if (const int error = request(0, name, links); error != 0 || links.empty()) {
    return tl::unexpected(system_error(operation, error == 0 ? ENODEV : error, "interface " + name,
                                       "'ringtail list' shows the interfaces there are"));
  }
  return std::move(links.front());
}

std::optional<Link> LinkQuery::by_index(std::uint32_t index) {
  std::vector<Link> links;
  if (index == 0 || request(index, {}, links) != 0 || links.empty()) return std::nullopt;
  return std::move(links.front());
}

Result<std::vector<Link>> LinkQuery::all() {
  std::vector<Link> links;
  if (const int error = request(0, {}, links); error != 0) {
    return tl::unexpected(system_error("list interfaces", error, "rtnetlink"));
  }
  return links;
}

Interface describe_link(const Link& link) {
  Interface interface;
  interface.name = link.name;
  interface.index = link.index;
  interface.link_type = ring::link_type_of_hardware(link.hardware_type);
  interface.has_mac_address = link.has_mac_address && !link.is_loopback();
  std::copy(std::begin(link.mac_address), std::end(link.mac_address), std::begin(interface.mac_address));
  const base::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return interface;
  ifreq request = {};
  link.name.copy(request.ifr_name, IFNAMSIZ - 1);
  interface.hardware = driver_of(socket.get(), request);
  interface.speed_bps = speed_of(socket.get(), request);
  return interface;
}

}  // namespace ringtail::tpacket
