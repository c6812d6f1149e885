// The ring of somebody else's packet socket, mapped to be read.
#pragma once

#include <cstddef>

#include <ringtail/error.hpp>

#include "base/mapping.hpp"

namespace ringtail::share {

/// Maps all `bytes` of it, read-only. A ring has no seals and needs none here: the kernel maps it as a whole or not at
/// all (packet_mmap(), net/packet/af_packet.c), and takes none away that is mapped (packet_set_ring() says EBUSY), so
/// no access can be SIGBUS. Whatever else is sent in its place is refused.
[[nodiscard]] Result<base::Mapping> map_ring(int descriptor, std::size_t bytes);

}  // namespace ringtail::share
