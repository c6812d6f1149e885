#include "tpacket/packet_socket.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/affinity.hpp"

namespace ringtail::tpacket {

namespace {

// IEEE 802 local experimental ethertype 1, which nothing on a production network carries: a socket bound to it is
// detached from all traffic. Bound to 0 instead it would keep its old protocol (packet_do_bind()).
constexpr std::uint16_t unused_ethertype = 0x88b5;

std::uint16_t kernel_fanout_mode(FanoutMode mode) {
  switch (mode) {
    case FanoutMode::hash:
      return PACKET_FANOUT_HASH;
    case FanoutMode::load_balance:
      return PACKET_FANOUT_LB;
    case FanoutMode::cpu:
      return PACKET_FANOUT_CPU;
    case FanoutMode::rollover:
      return PACKET_FANOUT_ROLLOVER;
    case FanoutMode::random:
      return PACKET_FANOUT_RND;
    case FanoutMode::queue_mapping:
      return PACKET_FANOUT_QM;
  }
  return PACKET_FANOUT_HASH;
}

}  // namespace

Result<PacketSocket> PacketSocket::open(SocketSettings settings) {
  // Protocol 0: the socket hears nothing until it is bound.
  base::FileDescriptor descriptor(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!descriptor.is_open()) {
    return tl::unexpected(system_error("open " + settings.device, errno, "packet socket",
                                       errno == EPERM ? "run as root or with CAP_NET_RAW" : ""));
  }
  struct stat state = {};
  if (::fstat(descriptor.get(), &state) != 0) {
    return tl::unexpected(system_error("open " + settings.device, errno, "packet socket"));
  }
  PacketSocket socket(std::move(settings), std::move(descriptor));
  socket.inode_ = state.st_ino;
  Instructions nothing = drop_all();
  auto ready = socket.attach(nothing)
                   .and_then([&] { return socket.make_ring(); })
                   .and_then([&] { return socket.set_timestamps(); })
                   .and_then([&] { return socket.join_promiscuous(); });
  // A fanout member joins with the drop-all filter still on; without a group the real filter goes on before bind, and
  // arm() has nothing left to do.
  if (ready && !socket.settings_.fanout) ready = socket.attach(socket.settings_.filter);
  if (ready) ready = socket.bind(ETH_P_ALL);
  if (ready) ready = socket.join_fanout();
  if (!ready) return tl::unexpected(std::move(ready.error()));
  return socket;
}

Result<void> PacketSocket::arm() {
  if (settings_.fanout) return attach(settings_.filter);
  if (!settings_.lock_filter) return {};
  const int on = 1;
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) != 0) {
    return tl::unexpected(error("lock the filter", errno));
  }
  return {};
}

bool PacketSocket::stop_inflow() noexcept {
  if (!settings_.fanout) {
    // packet_do_bind() unhooks and waits for readers (synchronize_net), so afterwards nothing is under way.
    if (bind(unused_ethertype)) return true;
  }
  Instructions nothing = drop_all();
  (void)attach(nothing);
  return false;
}

KernelCounts PacketSocket::read_counts() const noexcept {
  tpacket_stats_v3 counts = {};
  socklen_t length = sizeof counts;
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &counts, &length) != 0) return {};
  return {counts.tp_packets, counts.tp_drops, counts.tp_freeze_q_cnt};
}

int PacketSocket::take_error() const noexcept {
  int pending = 0;
  socklen_t length = sizeof pending;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &pending, &length);
  return pending;
}

bool PacketSocket::has_lost_interface() const noexcept {
  if (settings_.interface_index == 0) return false;
  sockaddr_ll address = {};
  socklen_t length = sizeof address;
  // packet_notifier() sets the index to -1 at NETDEV_UNREGISTER.
  return ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
         address.sll_ifindex != static_cast<int>(settings_.interface_index);
}

Error PacketSocket::error(const std::string& what, int error_number, std::string remedy) const {
  return system_error("open " + settings_.device, error_number, what, std::move(remedy));
}

Result<void> PacketSocket::set_option(int option, const void* value, std::size_t bytes, const std::string& what,
                                      const std::string& remedy) {
  if (::setsockopt(socket_.get(), SOL_PACKET, option, value, static_cast<socklen_t>(bytes)) == 0) return {};
  return tl::unexpected(error(what, errno, remedy));
}

Result<void> PacketSocket::attach(Instructions& program) {
  const sock_fprog descriptor = {static_cast<std::uint16_t>(program.size()), program.data()};
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &descriptor, sizeof descriptor) == 0) return {};
  return tl::unexpected(error("attach the filter", errno, errno == ENOMEM ? "raise net.core.optmem_max" : ""));
}

Result<void> PacketSocket::make_ring() {
  const Geometry& geometry = settings_.geometry;
  const int version = TPACKET_V3;
  auto ready = set_option(PACKET_VERSION, &version, sizeof version, "TPACKET_V3", "Linux 3.2 or newer is needed");
  if (!ready) return ready;
  ready = set_option(PACKET_RESERVE, &geometry.reserve_bytes, sizeof geometry.reserve_bytes, "packet reserve");
  if (!ready) return ready;

  tpacket_req3 request = {};
  request.tp_block_size = geometry.block_bytes;
  request.tp_block_nr = geometry.block_count;
  request.tp_frame_size = geometry.block_bytes;  // V3 packs frames; the kernel only checks that the product fits
  request.tp_frame_nr = geometry.block_count;
  request.tp_retire_blk_tov = geometry.retire_timeout_ms;
  request.tp_sizeof_priv = geometry.private_bytes;
  request.tp_feature_req_word = settings_.fill_rx_hash ? TP_FT_REQ_FILL_RXHASH : 0;
  const std::string size = std::to_string(geometry.block_count) + " blocks of " + std::to_string(geometry.block_bytes);
  {
    const base::MemoryNodeScope placement(settings_.numa_node);  // alloc_pg_vec() follows the caller's memory policy
    ready = set_option(PACKET_RX_RING, &request, sizeof request, "ring of " + size + " bytes",
                       "choose a smaller buffer or smaller blocks");
  }
  if (!ready) return ready;
  // Populated: one fault per page here instead of on the first lap round the ring.
  auto mapped = base::Mapping::shared(socket_.get(), geometry.ring_bytes(), 0, true);
  if (!mapped) {
    return tl::unexpected(error("map the ring of " + size + " bytes", mapped.error().error_number,
                                "choose a smaller buffer or raise RLIMIT_MEMLOCK"));
  }
  ring_ = std::move(*mapped);
  return {};
}

Result<void> PacketSocket::set_timestamps() {
  if (settings_.timestamp_type == TimestampType::host) return {};
  if (settings_.interface_index != 0) {
    auto enabled = HardwareTimestamps::enable(socket_.get(), settings_.device);
    if (!enabled) return tl::unexpected(std::move(enabled.error()));
    hardware_timestamps_.emplace(std::move(*enabled));
  }
  const int source = SOF_TIMESTAMPING_RAW_HARDWARE;
  return set_option(PACKET_TIMESTAMP, &source, sizeof source, "adapter time stamps");
}

Result<void> PacketSocket::join_promiscuous() {
  if (!settings_.promiscuous || settings_.interface_index == 0) return {};
  packet_mreq request = {};
  request.mr_ifindex = static_cast<int>(settings_.interface_index);
  request.mr_type = PACKET_MR_PROMISC;  // the kernel takes it back when the socket is closed
  return set_option(PACKET_ADD_MEMBERSHIP, &request, sizeof request, "promiscuous mode", "try without it");
}

Result<void> PacketSocket::bind(std::uint16_t protocol) {
  sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(protocol);
  address.sll_ifindex = static_cast<int>(settings_.interface_index);
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return {};
  return tl::unexpected(error("bind to the interface", errno));
}

Result<void> PacketSocket::join_fanout() {
  if (!settings_.fanout) return {};
  const Fanout& fanout = *settings_.fanout;
  std::uint16_t type = kernel_fanout_mode(fanout.mode);
  if (fanout.rollover_when_full) type |= PACKET_FANOUT_FLAG_ROLLOVER;
  if (fanout.defragment) type |= PACKET_FANOUT_FLAG_DEFRAG;
  if (!fanout.group) type |= PACKET_FANOUT_FLAG_UNIQUEID;
  const std::uint32_t request = fanout.group.value_or(0) | (std::uint32_t{type} << 16);
  auto joined = set_option(PACKET_FANOUT, &request, sizeof request, "join the fanout group",
                           "all members need the same mode, flags and interface, and the interface must be up");
  if (!joined) return joined;
  std::uint32_t group = 0;
  socklen_t length = sizeof group;
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_FANOUT, &group, &length) != 0) {
    return tl::unexpected(error("read the fanout group", errno));
  }
  fanout_group_ = static_cast<std::uint16_t>(group);
  return {};
}

}  // namespace ringtail::tpacket
