#include "tpacket/link_watch.hpp"

#include <cerrno>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <utility>

namespace ringtail::tpacket {

namespace {

int add_change(const nlmsghdr* message, void* data) {
  if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) return MNL_CB_OK;
  const auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  if (info->ifi_family != AF_UNSPEC) return MNL_CB_OK;  // a bridge's port leaves its bridge: the link itself stays
  static_cast<std::vector<LinkChange>*>(data)->push_back(
      {.link = read_link(*message), .is_gone = message->nlmsg_type == RTM_DELLINK});
  return MNL_CB_OK;
}

}  // namespace

Result<LinkWatch> LinkWatch::open() {
  base::FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (!socket.is_open() || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return tl::unexpected(system_error("watch interfaces", errno, "rtnetlink"));
  }
  auto query = LinkQuery::open();
  if (!query) return tl::unexpected(std::move(query.error()));
  return LinkWatch(std::move(socket), std::move(*query));
}

// False when there is nothing to read. Only the kernel (port 0) is believed: any process may send to this socket.
bool LinkWatch::read_one(std::vector<LinkChange>& changes) {
  // The kernel's messages for one link are shorter than this; one that were not would be cut, and is read anew.
  alignas(nlmsghdr) char buffer[32768];
  sockaddr_nl sender = {};
  iovec memory = {.iov_base = buffer, .iov_len = sizeof buffer};
  msghdr message = {};
  message.msg_name = &sender;
  message.msg_namelen = sizeof sender;
  message.msg_iov = &memory;
  message.msg_iovlen = 1;
  const ssize_t received = ::recvmsg(socket_.get(), &message, 0);
  if (received < 0 && errno == EINTR) return true;
  if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  if (received < 0 || (message.msg_flags & MSG_TRUNC) != 0) {
    has_missed_some_ = true;
    return errno == ENOBUFS || received >= 0;
  }
  if (sender.nl_pid != 0) return true;
  if (mnl_cb_run(buffer, static_cast<std::size_t>(received), 0, 0, add_change, &changes) < 0) has_missed_some_ = true;
  return true;
}

LinkNews LinkWatch::take() {
  LinkNews news;
  while (read_one(news.changes)) continue;
  if (!has_missed_some_) return news;
  // What happens from here on is heard again, which does no harm: it is told as it is.
  auto all = query_.all();
  if (!all) return news;  // the next call tries again
  has_missed_some_ = false;
  news.changes.clear();
  news.is_complete = true;
  for (Link& link : *all) news.changes.push_back({.link = std::move(link)});
  return news;
}

}  // namespace ringtail::tpacket
