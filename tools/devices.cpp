#include "devices.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "values.hpp"

namespace ringtail::tools {

namespace {

constexpr std::string_view any_device = "any";

/// 1 for "eth1", 0 where there is no number at the end.
unsigned instance_number(std::string_view name) {
  const std::size_t last_other = name.find_last_not_of("0123456789");
  unsigned number = 0;
  const std::string_view digits = name.substr(last_other + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

/// What get_figure_of_merit() in libpcap's pcap.c weighs, heaviest first.
auto rank(const DeviceDescription& device) {
  return std::tuple(!device.running, !device.up, device.loopback, device.interface.name == any_device,
                    instance_number(device.interface.name));
}

Result<std::string> first_but_loopback(const std::vector<DeviceDescription>& devices) {
  for (const DeviceDescription& device : devices) {
    if (!device.loopback && device.interface.name != any_device) return device.interface.name;
  }
  return tl::unexpected(make_error("choose an interface", "there is none but loopback", "name one with -i"));
}

Result<std::string> device_with_number(const std::vector<DeviceDescription>& devices, const std::string& digits) {
  for (const DeviceDescription& device : devices) {
    if (device.interface.name == digits) return digits;  // an interface may well be called "1"
  }
  const auto number = parse_whole("-i", digits, 1, devices.size());
  if (number) return devices[*number - 1].interface.name;
  return tl::unexpected(make_error("open interface number " + digits, "there is none with that number",
                                   "ringtail capture -D lists what there is"));
}

Result<std::vector<Interface>> interfaces_named(const std::string& device) {
  const auto devices = list_devices();
  if (!devices) return tl::unexpected(devices.error());
  std::vector<Interface> interfaces;
  for (const DeviceDescription& each : *devices) {
    if (device == any_device || each.interface.name == device) interfaces.push_back(each.interface);
  }
  return interfaces;
}

Result<std::vector<Interface>> interfaces_behind(const std::string& device) {
  const auto source = open(device);
  if (!source) return tl::unexpected(source.error());
  std::vector<Interface> interfaces;
  for (std::uint16_t id = 0; id < source->interface_count(); ++id) interfaces.push_back(source->interface(id));
  return interfaces;
}

}  // namespace

bool has_fanout(std::string_view device) {
  return is_kernel_device(device) || device.starts_with("dpdk:");
}

bool is_kernel_device(std::string_view device) {
  for (const std::string_view prefix : {"dpdk:", "file:", "ringtail:"}) {
    if (device.starts_with(prefix)) return false;
  }
  return true;
}

std::vector<DeviceDescription> in_dumpcap_order(std::vector<DeviceDescription> devices) {
  DeviceDescription any;
  any.interface.name = any_device;
  any.interface.description = "Pseudo-device that captures on all interfaces";
  any.up = any.running = true;
  devices.push_back(std::move(any));
  std::stable_sort(devices.begin(), devices.end(), [](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return devices;
}

Result<std::vector<DeviceDescription>> numbered_devices() {
  return list_devices().map(
      [](std::vector<DeviceDescription> devices) { return in_dumpcap_order(std::move(devices)); });
}

Result<std::string> resolve_device(const std::string& device) {
  const bool is_number = device.find_first_not_of("0123456789") == std::string::npos;  // or empty
  if (!is_number) return device;
  const auto devices = numbered_devices();
  if (!devices) return tl::unexpected(devices.error());
  return device.empty() ? first_but_loopback(*devices) : device_with_number(*devices, device);
}

Result<std::set<std::uint16_t>> link_types_of(const std::string& device) {
  const auto interfaces = is_kernel_device(device) ? interfaces_named(device) : interfaces_behind(device);
  if (!interfaces) return tl::unexpected(interfaces.error());
  if (interfaces->empty()) {
    return tl::unexpected(make_error("list link types of " + device, "there is no such interface",
                                     "ringtail capture -D lists what there is"));
  }
  std::set<std::uint16_t> link_types;
  for (const Interface& interface : *interfaces) link_types.insert(interface.link_type);
  return link_types;
}

}  // namespace ringtail::tools
