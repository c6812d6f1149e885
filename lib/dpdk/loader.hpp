// The way from the library to its DPDK module. Includes nothing of DPDK.
#pragma once

#include <string_view>

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>
#include <ringtail/source.hpp>

#include "ring/transmitter.hpp"

namespace ringtail::dpdk {

/// Opens "dpdk:<pci address or vdev arguments>". The first call loads the module, for good: DPDK cannot be unloaded.
/// Any thread; opens are serialised.
[[nodiscard]] Result<detail::BackendPointer> open_dpdk(std::string_view device, const OpenOptions& options);

/// The same device to send into; see dpdk/transmitter.hpp.
[[nodiscard]] Result<detail::TransmitterPointer> open_dpdk_transmitter(std::string_view device,
                                                                       const OpenOptions& options);

}  // namespace ringtail::dpdk
