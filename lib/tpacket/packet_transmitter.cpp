#include "tpacket/packet_transmitter.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace ringtail::tpacket {

namespace {

constexpr std::size_t most_per_call = 64;
constexpr std::uint32_t framing_bytes = 14 + 4;  // Ethernet header and one tag, which packet_snd() lets pass the MTU

Error send_error(const std::string& interface, int error_number) {
  return system_error("send into " + interface, error_number);
}

}  // namespace

Result<detail::TransmitterPointer> PacketTransmitter::open(const std::string& interface) {
  base::FileDescriptor socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));  // protocol 0: receives nothing
  if (!socket.is_open()) {
    Error error = send_error(interface, errno);
    if (errno == EPERM) error.remedy = "run as root or with CAP_NET_RAW";
    return tl::unexpected(std::move(error));
  }
  sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  if (address.sll_ifindex == 0) return tl::unexpected(send_error(interface, ENODEV));
  ifreq request = {};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  const int bypass = 1;
  if (::ioctl(socket.get(), SIOCGIFMTU, &request) != 0 ||
      ::setsockopt(socket.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof bypass) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return tl::unexpected(send_error(interface, errno));
  }
  const std::uint32_t longest = static_cast<std::uint32_t>(request.ifr_mtu) + framing_bytes;
  return detail::TransmitterPointer(new PacketTransmitter(interface, std::move(socket), longest));
}

Result<std::uint32_t> PacketTransmitter::send(std::span<const detail::Frame> frames) {
  std::array<iovec, most_per_call> parts;
  std::array<mmsghdr, most_per_call> messages = {};
  const std::size_t count = std::min(frames.size(), most_per_call);
  for (std::size_t index = 0; index < count; ++index) {
    parts[index] = {.iov_base = const_cast<std::byte*>(frames[index].data()), .iov_len = frames[index].size()};
    messages[index].msg_hdr.msg_iov = &parts[index];
    messages[index].msg_hdr.msg_iovlen = 1;
  }
  const int taken = ::sendmmsg(socket_.get(), messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
  if (taken >= 0) return static_cast<std::uint32_t>(taken);
  if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) return 0;
  return tl::unexpected(send_error(interface_, errno));
}

}  // namespace ringtail::tpacket
