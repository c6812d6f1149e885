// What the kernel knows about network interfaces, asked over rtnetlink: works in every network namespace, unlike /sys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ringtail/error.hpp>
#include <ringtail/interface.hpp>

#include "base/file_descriptor.hpp"

struct nlmsghdr;

namespace ringtail::tpacket {

struct Link {
  std::uint32_t index = 0;
  std::string name;
  std::uint16_t hardware_type = 0;  ///< ARPHRD_*
  std::uint32_t flags = 0;          ///< IFF_*
  std::uint32_t mtu = 0;
  std::uint8_t mac_address[6] = {};
  bool has_mac_address = false;
  std::uint64_t dropped = 0;  ///< rx_dropped + rx_missed_errors + rx_fifo_errors: lost before any packet socket

  [[nodiscard]] bool is_up() const;
  [[nodiscard]] bool is_running() const;
  [[nodiscard]] bool is_loopback() const;
};

/// What an RTM_NEWLINK or RTM_DELLINK message says.
[[nodiscard]] Link read_link(const nlmsghdr& message);

/// A query socket. It belongs to the network namespace it was opened in and keeps asking there, whatever namespace the
/// asking thread is in. Threads: one at a time.
class LinkQuery {
 public:
  [[nodiscard]] static Result<LinkQuery> open();

  [[nodiscard]] Result<Link> by_name(const std::string& name);
  /// Empty when there is no such interface (any more).
  [[nodiscard]] std::optional<Link> by_index(std::uint32_t index);
  [[nodiscard]] Result<std::vector<Link>> all();

 private:
  explicit LinkQuery(base::FileDescriptor socket) : socket_(std::move(socket)) {}
  [[nodiscard]] int request(std::uint32_t index, const std::string& name, std::vector<Link>& links);

  base::FileDescriptor socket_;
  std::uint32_t sequence_ = 0;
};

/// An Interface made from what the link says: name, index, MAC, link type, driver and speed where ethtool tells.
[[nodiscard]] Interface describe_link(const Link& link);

}  // namespace ringtail::tpacket
