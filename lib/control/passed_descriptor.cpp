#include "control/passed_descriptor.hpp"

#include <cstring>
#include <sys/socket.h>
#include <utility>

namespace ringtail::control {

namespace {

/// Room for one descriptor, aligned as cmsg(3) wants it. More than fit are closed by the kernel (MSG_CTRUNC); padding
/// lets it fit one more in.
struct alignas(cmsghdr) ControlBuffer {
  char bytes[CMSG_SPACE(sizeof(int))];
};

/// Owns whatever has come, so that nothing stays open when nobody wants it.
void adopt(msghdr& message, base::FileDescriptor& descriptor) noexcept {
  bool has_one = false;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t bytes = header->cmsg_len - CMSG_LEN(0);
    for (std::size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(header) + at, sizeof number);
      base::FileDescriptor owned(number);
      if (!std::exchange(has_one, true)) descriptor = std::move(owned);
    }
  }
}

}  // namespace

ssize_t send_with_descriptor(int socket, std::string_view bytes, int descriptor) noexcept {
  iovec data = {.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  ControlBuffer control = {};
  if (descriptor >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t receive_with_descriptor(int socket, std::span<char> bytes, base::FileDescriptor& descriptor) noexcept {
  iovec data = {.iov_base = bytes.data(), .iov_len = bytes.size()};
  ControlBuffer control = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (got >= 0) adopt(message, descriptor);
  return got;
}

}  // namespace ringtail::control
