// open(): picks the back end by the device string.
#include <ringtail/source.hpp>

#include "dpdk/loader.hpp"
#include "open_tpacket.hpp"
#include "pcapfile/file_backend.hpp"
#include "reopening_backend.hpp"
#include "share/share_backend.hpp"
#include "tpacket/link.hpp"

namespace ringtail {

namespace {

constexpr std::string_view dpdk_prefix = "dpdk:";
constexpr std::string_view share_prefix = "ringtail:";
// Whoever waits for packets does not wait as long for a publisher that hangs as whoever starts.
constexpr std::chrono::milliseconds patience_with_reopening{500};

Result<detail::BackendPointer> open_share(const std::string& device, const OpenOptions& options) {
  const auto open_once = [device, options](std::uint16_t first_interface_id, bool again) {
    const std::string_view text = std::string_view(device).substr(share_prefix.size());
    const std::chrono::milliseconds patience = again ? patience_with_reopening : share::usual_patience;
    return share::ShareBackend::open(device, text, options, first_interface_id, base::Deadline::after(patience));
  };
  if (!options.wait_for_interface) return open_once(0, false);
  return ReopeningBackend::open({.device = device, .kind = "share", .outlives_its_end = true, .open = open_once});
}

Result<detail::BackendPointer> open_outliving_link(const std::string& device, const OpenOptions& options) {
  const auto open_once = [device, options](std::uint16_t first, bool) { return open_tpacket(device, options, first); };
  return ReopeningBackend::open({.device = device, .kind = "tpacket", .open = open_once});
}

Result<detail::BackendPointer> open_backend(std::string_view device, const OpenOptions& options) {
  constexpr std::string_view file_prefix = "file:";
  if (device.starts_with(file_prefix)) return pcapfile::open_file(device.substr(file_prefix.size()), options);
  if (device.starts_with(share_prefix)) return open_share(std::string(device), options);
  if (device.starts_with(dpdk_prefix)) return dpdk::open_dpdk(device, options);
  // The any device never goes away.
  if (options.wait_for_interface && device != "any") return open_outliving_link(std::string(device), options);
  return open_tpacket(std::string(device), options);
}

// A queue for each member. The first open makes the queues, so it asks for all the memory.
Result<std::vector<Source>> open_queues(std::string_view device, OpenOptions options, std::uint16_t members) {
  if (options.fanout && options.fanout->mode != FanoutMode::hash) {
    return tl::unexpected(usage_error("open " + std::string(device), "its queues are filled by hash", "use hash"));
  }
  options.dpdk.queues = members;
  std::vector<Source> sources;
  for (std::uint16_t queue = 0; queue < members; ++queue) {
    options.dpdk.queue = queue;
    auto source = open(device, options);
    if (!source) return tl::unexpected(std::move(source.error()));
    sources.push_back(std::move(*source));
  }
  return sources;
}

}  // namespace

Result<Source> open(std::string_view device, const OpenOptions& options) {
  auto backend = open_backend(device, options);
  if (!backend) return tl::unexpected(std::move(backend.error()));
  return Source(std::move(*backend));
}

Result<std::vector<Source>> open_fanout(std::string_view device, const OpenOptions& options, std::uint16_t members) {
  if (device.starts_with(dpdk_prefix)) return open_queues(device, options, members);
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
