// The real kernel ring on a veth pair in a network namespace that this process makes for itself and that is gone with
// it.

#include <arpa/inet.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>

#include "base/file_descriptor.hpp"
#include "conformance/source_harness.hpp"
#include "fixture/numbered_frames.hpp"

namespace ringtail::conformance {

namespace {

// Once per process. Empty: ready; else the reason why not.
const std::string& private_namespace() {
  static const std::string reason = []() -> std::string {
    if (::unshare(CLONE_NEWNET) != 0) return std::string("unshare(CLONE_NEWNET): ") + std::strerror(errno);
    // IPv6 is off before the link is made: stray frames spoil exact counts.
    const char* commands =
        "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 && "
        "ip link add rt0 mtu 9000 txqueuelen 10000 type veth peer name rt1 mtu 9000 txqueuelen 10000 && "
        "ip link set rt0 up && ip link set rt1 up && ip link set lo up";
    return std::system(commands) == 0 ? std::string() : "a veth pair cannot be made here";
  }();
  return reason;
}

class VethHarness final : public SourceHarness {
 public:
  VethHarness(Source source, base::FileDescriptor sender) : source_(std::move(source)), sender_(std::move(sender)) {}

  Source& source() override { return source_; }
  void send(std::uint64_t count, std::size_t frame_bytes) override {
    for (std::uint64_t sent = 0; sent < count; ++sent) {
      const auto bytes = fixture::make_numbered_frame(next_++, frame_bytes);
      while (::send(sender_.get(), bytes.data(), bytes.size(), 0) < 0 && errno == ENOBUFS) ::sched_yield();
    }
  }

 private:
  Source source_;
  base::FileDescriptor sender_;
  std::uint64_t next_ = 0;
};

std::unique_ptr<SourceHarness> make(const OpenOptions& options, std::string& reason) {
  reason = private_namespace();
  if (!reason.empty()) return nullptr;
  auto source = open("rt1", options);
  if (!source) {
    reason = source.error().message();
    return nullptr;
  }
  base::FileDescriptor sender(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(::if_nametoindex("rt0"));
  if (::bind(sender.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    reason = std::string("bind the sender: ") + std::strerror(errno);
    return nullptr;
  }
  return std::make_unique<VethHarness>(std::move(*source), std::move(sender));
}

}  // namespace

HarnessFactory veth_harness() {
  return {"veth", make};
}

HarnessFactory waiting_veth_harness() {
  return {"veth_waiting", [](OpenOptions options, std::string& reason) {
            options.wait_for_interface = true;
            return make(options, reason);
          }};
}

}  // namespace ringtail::conformance
