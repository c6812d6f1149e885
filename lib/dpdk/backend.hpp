// The way into the DPDK module for sources.
#pragma once

#include <string_view>

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>
#include <ringtail/source.hpp>

namespace ringtail::dpdk {

/// Opens "dpdk:<pci address or vdev arguments>", or a tap "dpdk:pdump:<file prefix>/<port>"; starts DPDK the first
/// time. Any thread.
[[nodiscard]] Result<ringtail::detail::BackendPointer> open_backend(std::string_view device,
                                                                    const OpenOptions& options);

}  // namespace ringtail::dpdk
