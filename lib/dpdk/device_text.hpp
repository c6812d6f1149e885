// What stands behind "dpdk:" in a device string.
#pragma once

#include <string>
#include <string_view>

#include <ringtail/error.hpp>

namespace ringtail::dpdk {

/// "net_memif0,role=server", "0000:03:00.0,mprq_en=1" or "rules:0000:03:00.0", taken apart.
struct DeviceText {
  std::string name;       ///< as DPDK's buses know it: "net_memif0", "0000:03:00.0"
  std::string arguments;  ///< name and driver arguments, as rte_dev_probe() takes them
  bool is_pci = false;
  bool flow_rules = false;  ///< the device is to hold back what the filter cannot match, or not be opened
};

/// `text` is what follows "dpdk:". A PCI address may leave out its domain ("03:00.0").
[[nodiscard]] Result<DeviceText> parse_device_text(std::string_view text);

}  // namespace ringtail::dpdk
