// The interfaces of this machine as command lines name and number them.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <ringtail/source.hpp>

namespace ringtail::tools {

/// Sorts as libpcap does, so that numbers mean what they mean to dumpcap: first what runs, loopback behind the others,
/// "any" (added here) between the two; within these eth0 before eth1, else the kernel's order.
[[nodiscard]] std::vector<DeviceDescription> in_dumpcap_order(std::vector<DeviceDescription> devices);

/// in_dumpcap_order() of this machine's interfaces.
[[nodiscard]] Result<std::vector<DeviceDescription>> numbered_devices();

/// The device string to open: a number (from 1, as `capture -D` prints them) becomes an interface's name, nothing
/// becomes the first interface that is not loopback, all else stays as it is.
[[nodiscard]] Result<std::string> resolve_device(const std::string& device);

/// The link types of an interface, or of all of them for "any"; for other devices, those of what opening them gives.
[[nodiscard]] Result<std::set<std::uint16_t>> link_types_of(const std::string& device);

/// True for devices whose packets can be spread over several sources.
[[nodiscard]] bool has_fanout(std::string_view device);

/// True for devices that are network interfaces: not "dpdk:...", "file:...", "ringtail:...".
[[nodiscard]] bool is_kernel_device(std::string_view device);

}  // namespace ringtail::tools
