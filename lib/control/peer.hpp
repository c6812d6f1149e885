// Who is at the other end of a Unix socket.
#pragma once

#include <sys/types.h>
#include <vector>

#include <ringtail/error.hpp>

namespace ringtail::control {

/// As the kernel recorded it when the peer connected (unix(7), SO_PEERCRED and SO_PEERGROUPS): nothing the peer says.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups{};  ///< supplementary ones

  [[nodiscard]] bool is_in_group(gid_t group) const noexcept;
};

[[nodiscard]] Result<Peer> peer_of(int socket);

}  // namespace ringtail::control
