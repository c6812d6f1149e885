#include "dpdk/device_text.hpp"

#include <regex>

namespace ringtail::dpdk {

Result<DeviceText> parse_device_text(std::string_view text) {
  static const std::regex pci_address("([0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{1,2}:[0-9a-fA-F]{1,2}\\.[0-7]");
  static const std::regex virtual_name("[A-Za-z][A-Za-z0-9_.-]*");

  DeviceText device;
  constexpr std::string_view rules_prefix = "rules:";
  device.flow_rules = text.starts_with(rules_prefix);
  if (device.flow_rules) text.remove_prefix(rules_prefix.size());
  const std::size_t comma = text.find(',');
  device.name = text.substr(0, comma);
  const std::string rest(comma == std::string_view::npos ? std::string_view{} : text.substr(comma));

  std::smatch match;
  if (std::regex_match(device.name, match, pci_address)) {
    device.is_pci = true;
    if (!match[1].matched) device.name.insert(0, "0000:");
  } else if (!std::regex_match(device.name, virtual_name)) {
    return tl::unexpected(usage_error("open dpdk:" + std::string(text), "'" + device.name + "' is no DPDK device name",
                                      "give a PCI address (0000:03:00.0, see dpdk-devbind.py --status) or a virtual "
                                      "device (net_af_packet0,iface=eth0)"));
  }
  device.arguments = device.name + rest;
  return device;
}

}  // namespace ringtail::dpdk
