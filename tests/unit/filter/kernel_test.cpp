// Programs attached to packet sockets, on real links in a network namespace of their own.
#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <ringtail/interface.hpp>

#include "base/affinity.hpp"
#include "base/file_descriptor.hpp"
#include "filter/compile.hpp"
#include "unit/filter/frames.hpp"
#include "unit/filter/private_network.hpp"

namespace ringtail::filter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace test;  // the hand-made frames and the namespace

constexpr int all_devices = 0;

/// A packet socket on which only what `program` accepts arrives.
base::FileDescriptor packet_socket(const Program& program, int interface_index) {
  base::FileDescriptor socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  std::vector<sock_filter> code;
  for (const Instruction& each : program.instructions()) code.push_back({each.code, each.jt, each.jf, each.k});
  const sock_fprog attached = {static_cast<unsigned short>(code.size()), code.data()};
  EXPECT_EQ(setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof attached), 0) << "errno " << errno;
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = interface_index;
  EXPECT_EQ(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << "errno " << errno;
  return socket;
}

/// Frames are told apart by their last byte. Those that only pass by on their way out are left out.
std::vector<int> last_bytes(const base::FileDescriptor& socket) {
  std::vector<int> seen;
  Bytes buffer(2048);
  for (;;) {
    sockaddr_ll from{};
    socklen_t from_bytes = sizeof from;
    const ssize_t bytes =
        recvfrom(socket.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_bytes);
    if (bytes <= 0) return seen;
    if (from.sll_pkttype != PACKET_OUTGOING) seen.push_back(buffer[static_cast<std::size_t>(bytes) - 1]);
  }
}

/// Waits for the frame that ends with `last`. This socket was bound last, so when it has a frame everybody has.
void wait_for(const base::FileDescriptor& witness, int last) {
  constexpr int patience_ms = 10'000;
  for (;;) {
    pollfd waiting = {witness.get(), POLLIN, 0};
    ASSERT_EQ(poll(&waiting, 1, patience_ms), 1) << "frame " << last << " never arrived";
    for (const int seen : last_bytes(witness)) {
      if (seen == last) return;
    }
  }
}

Bytes marked(Bytes frame, int last) {
  frame.push_back(static_cast<std::uint8_t>(last));
  return frame;
}

constexpr int sentinel = 99;

/// A pair of virtual Ethernet links; what goes into rt-a comes out of rt-b.
class Wire {
 public:
  Wire() {
    (void)base::pin_this_thread(base::cpus_of_node(-1).front());  // frames are received in the order they were sent
    // The sending end last: an end that comes up before the other has a queue only when the kernel gets round to it.
    EXPECT_TRUE(run("ip link add rt-a type veth peer name rt-b && ip link set rt-b up && ip link set rt-a up"));
    sender_ = packet_socket(Program::drop_all(), static_cast<int>(if_nametoindex("rt-a")));
    exit_index_ = static_cast<int>(if_nametoindex("rt-b"));
  }

  [[nodiscard]] int exit_index() const { return exit_index_; }

  void send(const Bytes& frame) const {
    EXPECT_EQ(::send(sender_.get(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
  }

  /// What of `frames` a socket with `text` gets, by their marks: 0 for the first one and so on.
  [[nodiscard]] std::vector<int> accepted(const char* text, const std::vector<Bytes>& frames) const {
    const auto program = compile(text, link_type::ethernet, CompileFor::kernel, default_snaplen, "rt-b");
    EXPECT_TRUE(program) << program.error().message();
    if (!program) return {-1};
    const auto filtered = packet_socket(*program, exit_index_);
    const auto witness = packet_socket(Program::accept_all(), exit_index_);
    int mark = 0;
    for (const Bytes& frame : frames) send(marked(frame, mark++));
    send(marked(ethernet({}, 0x88b5, Bytes(46)), sentinel));
    wait_for(witness, sentinel);
    return last_bytes(filtered);
  }

 private:
  base::FileDescriptor sender_;
  int exit_index_ = 0;
};

const std::vector<Bytes>& mixed_frames() {
  static const std::vector<Bytes> frames = {
      ethernet({}, ethertype_ipv4, web_over_ipv4()),                              // 0
      ethernet({{0x8100, 5}}, ethertype_ipv4, web_over_ipv4()),                   // 1
      ethernet({{0x8100, 0xa006}}, ethertype_ipv4, dns_over_ipv4()),              // 2
      ethernet({{0x88a8, 7}, {0x8100, 5}}, ethertype_ipv6, web_over_ipv6()),      // 3
      ethernet({{0x8100, 0}}, ethertype_ipv4, web_over_ipv4()),                   // 4: a priority tag
      ethernet({}, ethertype_ipv4, ipv4(protocol_tcp, ports(1, 80), 0x2000 | 9))  // 5: a later fragment
  };
  return frames;
}

TEST(KernelFilter, SeesTagsThatTheKernelHasTakenOut) {
  const std::string obstacle = in_private_network([] {
    const Wire wire;
    EXPECT_THAT(wire.accepted("vlan", mixed_frames()), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(wire.accepted("vlan 5", mixed_frames()), ElementsAre(1));
    EXPECT_THAT(wire.accepted("vlan 6 and udp port 53", mixed_frames()), ElementsAre(2));
    EXPECT_THAT(wire.accepted("vlan 7 and vlan 5 and tcp port 80", mixed_frames()), ElementsAre(3));
    EXPECT_THAT(wire.accepted("not vlan", mixed_frames()), ElementsAre(0, 5, sentinel));
    EXPECT_THAT(wire.accepted("tcp port 80", mixed_frames()), ElementsAre(0, 1, 4));
    EXPECT_THAT(wire.accepted("tcp", mixed_frames()), ElementsAre(0, 1, 4, 5));
    EXPECT_THAT(wire.accepted("", mixed_frames()), ElementsAre(0, 1, 2, 3, 4, 5, sentinel));
  });
  if (!obstacle.empty()) GTEST_SKIP() << obstacle;
}

TEST(KernelFilter, AttachesTheLongestProgramThereIs) {
  const std::string obstacle = in_private_network([] {
    const Wire wire;
    std::vector<Instruction> longest(max_instructions - 1, {BPF_LD | BPF_IMM, 0, 0, 0});
    longest.push_back({BPF_RET | BPF_K, 0, 0, 1});
    (void)packet_socket(Program(longest), wire.exit_index());
  });
  if (!obstacle.empty()) GTEST_SKIP() << obstacle;
}

TEST(VlanFilter, CompilesWhereNoDeviceIsUp) {
  Result<Program> inside = Program::drop_all();
  const std::string obstacle = in_private_network([&inside] {
    ASSERT_TRUE(run("ip link add rt-down type veth peer name rt-peer && ! ip link show lo | grep -q UP"));
    inside = compile("vlan 5 and tcp", link_type::ethernet, CompileFor::kernel, 1234, "rt-down");
    EXPECT_NE(if_nametoindex("rt-down"), 0U) << "this thread stays in its namespace";
  });
  if (!obstacle.empty()) GTEST_SKIP() << obstacle;
  ASSERT_TRUE(inside) << inside.error().message();
  EXPECT_TRUE(inside->needs_kernel());
  const auto outside = compile("vlan 5 and tcp", link_type::ethernet, CompileFor::kernel, 1234);
  ASSERT_TRUE(outside) << outside.error().message();
  EXPECT_EQ(disassemble(*inside), disassemble(*outside));
}

/// A tun device: packets without any link-layer header.
base::FileDescriptor open_tun() {
  base::FileDescriptor tun(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq request{};
  std::string("rt-tun").copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (!tun.is_open() || ioctl(tun.get(), TUNSETIFF, &request) != 0) return {};
  EXPECT_TRUE(run("ip link set rt-tun up"));
  return tun;
}

/// What arrives on the "any" socket when three links each carry TCP to port 80 and UDP to port 53.
class AllLinks {
 public:
  AllLinks() : tun_(open_tun()) { EXPECT_TRUE(run("ip link set lo up")); }

  [[nodiscard]] bool available() const { return tun_.is_open(); }

  [[nodiscard]] std::vector<int> accepted(const char* text) const {
    const auto program = compile_for_any(text);
    EXPECT_TRUE(program) << program.error().message();
    if (!program) return {-1};
    const auto filtered = packet_socket(*program, all_devices);
    const auto witness = packet_socket(Program::accept_all(), all_devices);
    const auto loopback = packet_socket(Program::drop_all(), static_cast<int>(if_nametoindex("lo")));
    const Bytes on_loopback = marked(ethernet({{0x8100, 5}}, ethertype_ipv4, web_over_ipv4()), 2);

    wire_.send(marked(ethernet({}, ethertype_ipv4, web_over_ipv4()), 0));
    wire_.send(marked(ethernet({}, ethertype_ipv4, dns_over_ipv4()), 1));
    EXPECT_GT(::send(loopback.get(), on_loopback.data(), on_loopback.size(), 0), 0);
    inject(marked(web_over_ipv4(), 3));
    inject(marked(web_over_ipv6(), 4));
    inject(marked(dns_over_ipv4(), sentinel));
    wait_for(witness, sentinel);
    return last_bytes(filtered);
  }

 private:
  void inject(const Bytes& packet) const {
    EXPECT_EQ(write(tun_.get(), packet.data(), packet.size()), static_cast<ssize_t>(packet.size()));
  }

  Wire wire_;
  base::FileDescriptor tun_;
};

TEST(AnyDeviceFilter, JudgesEachPacketByItsLinkType) {
  bool has_tun = false;
  const std::string obstacle = in_private_network([&has_tun] {
    const AllLinks links;
    has_tun = links.available();
    if (!has_tun) return;
    EXPECT_THAT(links.accepted("tcp port 80"), ElementsAre(0, 2, 3, 4));
    EXPECT_THAT(links.accepted("udp"), ElementsAre(1, sentinel));
    EXPECT_THAT(links.accepted("ip6"), ElementsAre(4));
    EXPECT_THAT(links.accepted("vlan 5"), ElementsAre(2));
    EXPECT_THAT(links.accepted("ether host 02:00:00:00:00:0a and tcp"), ElementsAre(0, 2));
    EXPECT_THAT(links.accepted("arp"), IsEmpty());
    EXPECT_THAT(links.accepted(""), ElementsAre(0, 1, 2, 3, 4, sentinel));
  });
  if (!obstacle.empty()) GTEST_SKIP() << obstacle;
  if (!has_tun) GTEST_SKIP() << "no tun device can be made here";
}

}  // namespace
}  // namespace ringtail::filter
