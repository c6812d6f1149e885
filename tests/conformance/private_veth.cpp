#include "conformance/private_veth.hpp"

#include <cerrno>
#include <cstdlib>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>

#include <ringtail/error.hpp>

#include "fixture/numbered_frames.hpp"

namespace ringtail::conformance {

bool run_in_namespace(const std::string& command) {
  return std::system(command.c_str()) == 0;  // NOLINT(concurrency-mt-unsafe): children inherit the namespace
}

const std::string& enter_private_namespace() {
  static const std::string reason = []() -> std::string {
    if (::unshare(CLONE_NEWNET) != 0) return system_error("enter a network namespace", errno).message();
    // IPv6 is off before the link is made: stray frames spoil exact counts.
    const bool ready = run_in_namespace(
        "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 && "
        "ip link add rt0 mtu 9000 txqueuelen 10000 type veth peer name rt1 mtu 9000 txqueuelen 10000 && "
        "ip link set rt0 up && ip link set rt1 up && ip link set lo up");
    return ready ? std::string() : "a veth pair cannot be made here";
  }();
  return reason;
}

NumberedSender::NumberedSender(const std::string& interface_name)
    : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
  sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface_name.c_str()));
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) socket_.close();
}

void NumberedSender::send(std::uint64_t count, std::size_t frame_bytes) {
  for (std::uint64_t frame = 0; frame < count; ++frame) {
    const auto bytes = fixture::make_numbered_frame(next_++, frame_bytes);
    ssize_t result = 0;
    while ((result = ::send(socket_.get(), bytes.data(), bytes.size(), 0)) < 0 && errno == ENOBUFS) ::sched_yield();
    if (result > 0) ++sent_;
  }
}

}  // namespace ringtail::conformance
