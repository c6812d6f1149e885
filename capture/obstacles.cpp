#include "obstacles.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <optional>

#include "base/affinity.hpp"
#include "base/user.hpp"
#include "flight_trigger.hpp"
#include "tpacket/geometry.hpp"

namespace ringtail::daemon {

namespace {

constexpr std::uint32_t ethernet_header_bytes = 14;  // the geometry of other links is possible when Ethernet's is

bool is_dpdk(const std::string& device) {
  return device.starts_with("dpdk:");
}

std::optional<std::string> filter_obstacle(const CaptureSettings& capture, Opener& opener) {
  for (const std::string& device : capture.devices) {
    const auto checked = opener.check_filter(device, capture.open);
    if (!checked && checked.error().error_number != EPERM) return checked.error().message();
  }
  return std::nullopt;
}

std::optional<std::string> trigger_obstacle(const CaptureSettings& capture) {
  if (!capture.flight || capture.flight->trigger.empty()) return std::nullopt;
  const auto trigger = FlightTrigger::compile(capture.flight->trigger);
  return trigger ? std::nullopt : std::optional(trigger.error().message());
}

std::optional<std::string> ring_obstacle(const CaptureSettings& capture) {
  if (std::ranges::all_of(capture.devices, is_dpdk)) return std::nullopt;
  OpenOptions share = capture.open;
  share.buffer_bytes /= capture.threads;
  const auto geometry = tpacket::compute_geometry(share, ethernet_header_bytes);
  return geometry ? std::nullopt : std::optional(geometry.error().message());
}

std::optional<std::string> cpu_obstacle(const CaptureSettings& capture) {
  const std::vector<int> usable = base::cpus_of_node(-1);
  for (const int cpu : capture.cpus) {
    if (std::ranges::count(usable, cpu) == 0) return fmt::format("there is no CPU {} for this process", cpu);
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> find_obstacles(const Configuration& configuration, Opener& opener) {
  std::vector<std::string> obstacles;
  const auto add = [&obstacles](const std::string& place, const std::optional<std::string>& obstacle) {
    if (obstacle) obstacles.push_back(place + ": " + *obstacle);
  };
  if (const std::string& name = configuration.settings.user; !name.empty()) {
    const auto user = base::find_user(name);
    add(configuration.place_of_user, user ? std::nullopt : std::optional(user.error().message()));
  }
  for (std::size_t index = 0; index < configuration.places.size(); ++index) {
    const CaptureSettings& capture = configuration.settings.captures[index];
    const CapturePlaces& places = configuration.places[index];
    add(places.filter, filter_obstacle(capture, opener));
    add(places.ring, ring_obstacle(capture));
    add(places.cpus, cpu_obstacle(capture));
    add(places.trigger, trigger_obstacle(capture));
  }
  return obstacles;
}

}  // namespace ringtail::daemon
