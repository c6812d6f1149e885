// The devices that frames can be sent into.
#pragma once

#include <string_view>

#include <ringtail/options.hpp>

#include "ring/transmitter.hpp"

namespace ringtail {

/// `device`: "eth0" or "dpdk:<pci address or vdev arguments>". Of the options those for DPDK and `buffer_bytes` count.
[[nodiscard]] Result<detail::TransmitterPointer> open_transmitter(std::string_view device, const OpenOptions& options);

}  // namespace ringtail
