#include "dpdk/kernel_promiscuity.hpp"

#include <net/if.h>
#include <optional>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/file_descriptor.hpp"

namespace ringtail::dpdk {

namespace {

/// The interface with its flags: IFF_PROMISC is the administrator's switch, not whether somebody listens to everything
/// (dev_get_flags(), net/core/dev.c).
std::optional<ifreq> look(int socket, unsigned interface_index) noexcept {
  ifreq request = {};
  if (::if_indextoname(interface_index, request.ifr_name) == nullptr) return std::nullopt;
  if (::ioctl(socket, SIOCGIFFLAGS, &request) != 0) return std::nullopt;
  return request;
}

bool is_on(const ifreq& request) noexcept {
  return (request.ifr_flags & IFF_PROMISC) != 0;
}

base::FileDescriptor any_socket() noexcept {
  return base::FileDescriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

}  // namespace

KernelPromiscuity::KernelPromiscuity(unsigned interface_index) noexcept
    : interface_index_(interface_index), was_on_(false) {
  if (interface_index_ == 0) return;
  const auto found = look(any_socket().get(), interface_index_);
  was_on_ = found && is_on(*found);
}

void KernelPromiscuity::put_back() const noexcept {
  if (!was_on_) return;
  const base::FileDescriptor socket = any_socket();
  auto found = look(socket.get(), interface_index_);
  if (!found || is_on(*found)) return;
  found->ifr_flags = static_cast<short>(found->ifr_flags | IFF_PROMISC);
  ::ioctl(socket.get(), SIOCSIFFLAGS, &*found);
}

}  // namespace ringtail::dpdk
