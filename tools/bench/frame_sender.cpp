#include "bench/frame_sender.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include "bench/interruption.hpp"

namespace ringtail::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t most_frames_per_call = 64;

}  // namespace

Result<FrameSender> FrameSender::open(const std::string& interface, const Traffic& traffic) {
  const std::string operation = "send on " + interface;
  base::FileDescriptor socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return tl::unexpected(system_error(operation, errno, "packet socket"));
  constexpr int bypass = 1;  // no queue in which frames could wait or vanish
  sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  if (::setsockopt(socket.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof bypass) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return tl::unexpected(system_error(operation, errno));
  }
  return FrameSender(std::move(socket), traffic);
}

Result<Sent> FrameSender::send(std::uint64_t count, double frames_per_second, const base::Deadline& deadline) {
  const auto start = Clock::now();
  const auto elapsed = [start] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  Sent sent;
  while (sent.frames < count && !deadline.has_passed() && !interrupted()) {
    std::uint64_t due = count - sent.frames;
    if (frames_per_second > 0) {
      const double due_by_now = elapsed() * frames_per_second - static_cast<double>(sent.frames);
      if (due_by_now < 1) continue;  // spins: no sleep is as short as the time between two frames
      due = std::min(due, static_cast<std::uint64_t>(due_by_now));
    }
    const auto some = send_some(static_cast<std::uint32_t>(std::min<std::uint64_t>(due, most_frames_per_call)));
    if (!some) return tl::unexpected(some.error());
    sent.frames += *some;
  }
  sent.seconds = elapsed();
  return sent;
}

Result<std::uint32_t> FrameSender::send_some(std::uint32_t most) {
  std::array<iovec, most_frames_per_call> parts;
  std::array<mmsghdr, most_frames_per_call> messages;
  for (std::uint32_t index = 0; index < most; ++index) {
    const Frame& frame = frames_[(position_ + index) % frames_.size()];
    parts[index] = {.iov_base = const_cast<std::byte*>(frame.data()), .iov_len = frame.size()};
    messages[index] = {};
    messages[index].msg_hdr.msg_iov = &parts[index];
    messages[index].msg_hdr.msg_iovlen = 1;
  }
  const int taken = ::sendmmsg(socket_.get(), messages.data(), most, 0);
  if (taken < 0 && errno != ENOBUFS && errno != EINTR) return tl::unexpected(system_error("send frames", errno));
  const auto frames = static_cast<std::uint32_t>(std::max(taken, 0));
  position_ = (position_ + frames) % frames_.size();
  return frames;
}

}  // namespace ringtail::bench
