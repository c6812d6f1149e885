#include "base/descriptor_message.hpp"

#include <cstring>
#include <sys/socket.h>
#include <utility>

#include "base/contract.hpp"

namespace ringtail::base {

namespace {

/// Room for the descriptors of one message, aligned as cmsg(3) wants it. The kernel closes what does not fit
/// (MSG_CTRUNC).
struct alignas(cmsghdr) ControlBuffer {
  char bytes[CMSG_SPACE(most_passed_descriptors * sizeof(int))];
};

/// Owns whatever has come, so that nothing stays open when nobody wants it.
std::size_t adopt(msghdr& message, std::span<FileDescriptor> descriptors) noexcept {
  std::size_t count = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t bytes = header->cmsg_len - CMSG_LEN(0);
    for (std::size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(header) + at, sizeof number);
      FileDescriptor owned(number);
      if (count < descriptors.size()) descriptors[count] = std::move(owned);
      ++count;
    }
  }
  return count;
}

}  // namespace

ssize_t send_with_descriptors(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors,
                              int flags) noexcept {
  require(descriptors.size() <= most_passed_descriptors, "few descriptors go with a message");
  iovec data = {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  ControlBuffer control = {};
  if (!descriptors.empty()) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  return ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
}

ssize_t receive_with_descriptors(int socket, std::span<std::byte> bytes, std::span<FileDescriptor> descriptors,
                                 std::size_t& count, int flags) noexcept {
  iovec data = {.iov_base = bytes.data(), .iov_len = bytes.size()};
  ControlBuffer control = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  const ssize_t got = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  count = got >= 0 ? adopt(message, descriptors) : 0;
  return got;
}

}  // namespace ringtail::base
