#include "bench/veth_link.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <net/if.h>
#include <sched.h>
#include <sstream>
#include <sys/mount.h>
#include <vector>

#include "bench/child_process.hpp"
#include "bench/traffic.hpp"

namespace ringtail::bench {

namespace {

constexpr const char* operation = "make a private link";

Result<void> enter_namespaces() {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
    return tl::unexpected(system_error(operation, errno, "private namespaces", "run as root"));
  }
  // Private mounts: what is mounted from here on is seen by us alone. Tracing is optional: without it system calls are
  // not counted.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) {
    ::mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, nullptr);
  }
  return {};
}

/// Must come before the link: an interface sends IPv6 frames as soon as it is up.
void disable_ipv6() {
  for (const char* scope : {"all", "default"}) {
    std::ofstream(std::string("/proc/sys/net/ipv6/conf/") + scope + "/disable_ipv6") << 1;
  }
}

}  // namespace

Result<VethLink> VethLink::create() {
  if (auto entered = enter_namespaces(); !entered) return tl::unexpected(std::move(entered.error()));
  disable_ipv6();
  VethLink link;
  const std::string mtu = std::to_string(Traffic::largest_frame_bytes);
  const Command commands[] = {
      {"ip", "link", "add", link.sender_, "mtu", mtu, "type", "veth", "peer", "name", link.receiver_, "mtu", mtu},
      {"ip", "link", "set", link.sender_, "up"},
      {"ip", "link", "set", link.receiver_, "up"},
  };
  for (const Command& command : commands) {
    const auto done = run_program(command);
    if (!done) return tl::unexpected(done.error());
    if (done->exit_status != 0) return tl::unexpected(make_error(operation, to_text(command) + ": " + done->text));
  }
  link.receiver_index_ = ::if_nametoindex(link.receiver_.c_str());
  return link;
}

std::uint64_t VethLink::received_frames() const {
  std::ifstream file("/proc/net/dev");
  for (std::string line; std::getline(file, line);) {
    std::replace(line.begin(), line.end(), ':', ' ');
    std::istringstream fields(line);
    std::string name;
    std::uint64_t bytes = 0;
    std::uint64_t packets = 0;
    if (fields >> name >> bytes >> packets && name == receiver_) return packets;
  }
  return 0;
}

// af_packet.c, packet_seq_show(): sk RefCnt Type Proto Iface R Rmem User Inode
bool VethLink::has_listener() const {
  std::ifstream file("/proc/net/packet");
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string socket, references, type, protocol;
    std::uint32_t interface = 0;
    int running = 0;
    if (fields >> socket >> references >> type >> protocol >> interface >> running && protocol == "0003" &&
        interface == receiver_index_ && running == 1) {
      return true;
    }
  }
  return false;
}

}  // namespace ringtail::bench
