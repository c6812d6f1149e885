#include "filter/private_namespace.hpp"

#include <cerrno>
#include <cstring>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>

#include "base/file_descriptor.hpp"

namespace ringtail::filter {

namespace {

constexpr char loopback[] = "lo";

// 0 or an errno. Only for this thread, and for good.
int enter_new_namespace() noexcept {
  if (unshare(CLONE_NEWNET) != 0) return errno;
  const base::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno;
  ifreq request{};
  std::memcpy(request.ifr_name, loopback, sizeof loopback);
  request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
  return ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
}

Result<Handle> activate_there() {
  if (const int error_number = enter_new_namespace(); error_number != 0) {
    return tl::unexpected(system_error("prepare a vlan filter", error_number,
                                       "no Ethernet device is up, and a network namespace to do it in",
                                       "bring one up (`ip link set lo up`) or run as root"));
  }
  return activate(loopback);
}

}  // namespace

Result<Handle> activate_in_private_namespace() {
  Result<Handle> handle;
  try {
    std::thread([&handle] { handle = activate_there(); }).join();
  } catch (const std::system_error& failure) {  // std::thread has no other way to say that there is no thread
    return tl::unexpected(system_error("prepare a vlan filter", failure.code().value(), "start a thread"));
  }
  return handle;
}

}  // namespace ringtail::filter
