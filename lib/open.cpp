// open(): picks the back end by the device string.
#include <ringtail/source.hpp>

#include "dpdk/loader.hpp"
#include "open_tpacket.hpp"
#include "pcapfile/file_backend.hpp"
#include "reopening_backend.hpp"
#include "tpacket/link.hpp"

namespace ringtail {

namespace {

Result<detail::BackendPointer> open_backend(std::string_view device, const OpenOptions& options) {
  constexpr std::string_view file_prefix = "file:";
  if (device.starts_with(file_prefix)) return pcapfile::open_file(device.substr(file_prefix.size()), options);
  if (device.starts_with("dpdk:")) return dpdk::open_dpdk(device, options);
  // The any device never goes away.
  if (options.wait_for_interface && device != "any") return ReopeningBackend::open(std::string(device), options);
  return open_tpacket(std::string(device), options);
}

}  // namespace

Result<Source> open(std::string_view device, const OpenOptions& options) {
  auto backend = open_backend(device, options);
  if (!backend) return tl::unexpected(std::move(backend.error()));
  return Source(std::move(*backend));
}

Result<std::vector<Source>> open_fanout(std::string_view device, const OpenOptions& options, std::uint16_t members) {
  auto backends = open_tpacket_fanout(std::string(device), options, members);
  if (!backends) return tl::unexpected(std::move(backends.error()));
  std::vector<Source> sources;
  for (detail::BackendPointer& backend : *backends) sources.emplace_back(std::move(backend));
  return sources;
}

Result<std::vector<DeviceDescription>> list_devices() {
  auto links = tpacket::LinkQuery::open().and_then([](tpacket::LinkQuery query) { return query.all(); });
  if (!links) return tl::unexpected(std::move(links.error()));
  std::vector<DeviceDescription> devices;
  for (const tpacket::Link& link : *links) {
    devices.push_back({.interface = tpacket::describe_link(link),
                       .up = link.is_up(),
                       .running = link.is_running(),
                       .loopback = link.is_loopback()});
  }
  return devices;
}

}  // namespace ringtail
