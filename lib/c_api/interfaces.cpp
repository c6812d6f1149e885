#include <algorithm>
#include <iterator>
#include <memory>

#include <ringtail/ringtail.h>
#include <ringtail/source.hpp>

#include "c_api/boundary.hpp"
#include "c_api/handles.hpp"

using namespace ringtail;

ringtail_interface c_api::to_c(const Interface& interface) noexcept {
  ringtail_interface out = {};
  out.name = interface.name.c_str();
  out.description = interface.description.c_str();
  out.filter = interface.filter.c_str();
  out.hardware = interface.hardware.c_str();
  out.speed_bps = interface.speed_bps;
  out.index = interface.index;
  out.snaplen = interface.snaplen;
  out.link_type = interface.link_type;
  std::copy(std::begin(interface.mac_address), std::end(interface.mac_address), out.mac_address);
  out.has_mac_address = interface.has_mac_address ? 1 : 0;
  return out;
}

std::uint16_t ringtail_interface_count(const ringtail_source* source) {
  return source->source.interface_count();
}

int ringtail_get_interface(const ringtail_source* source, std::uint16_t interface_id, ringtail_interface* out,
                           std::size_t struct_bytes) {
  if (interface_id >= source->source.interface_count()) return -1;
  c_api::copy_out(c_api::to_c(source->source.interface(interface_id)), out, struct_bytes);
  return 0;
}

ringtail_devices* ringtail_list_devices(ringtail_error* error) {
  auto listed = c_api::guarded(error, [] {
    return list_devices().map([](std::vector<DeviceDescription>&& devices) {
      return std::make_unique<ringtail_devices>(ringtail_devices{std::move(devices)});
    });
  });
  return listed ? listed->release() : nullptr;
}

std::size_t ringtail_device_count(const ringtail_devices* devices) {
  return devices->devices.size();
}

int ringtail_get_device(const ringtail_devices* devices, std::size_t index, ringtail_interface* out,
                        std::size_t struct_bytes) {
  if (index >= devices->devices.size()) return -1;
  const DeviceDescription& device = devices->devices[index];
  ringtail_interface described = c_api::to_c(device.interface);
  described.device_flags =
      static_cast<std::uint8_t>((device.up ? RINGTAIL_UP : 0) | (device.running ? RINGTAIL_RUNNING : 0) |
                                (device.loopback ? RINGTAIL_LOOPBACK : 0));
  c_api::copy_out(described, out, struct_bytes);
  return 0;
}

void ringtail_free_devices(ringtail_devices* devices) {
  delete devices;
}
