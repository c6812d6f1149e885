// ringtail list: the interfaces of this machine.
#include <algorithm>
#include <array>
#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ringtail/source.hpp>

#include "command_line.hpp"
#include "link_types.hpp"
#include "report.hpp"

namespace ringtail::tools {

namespace {

using Json = nlohmann::ordered_json;

std::string state_text(const DeviceDescription& device) {
  if (!device.up) return "down";
  return device.running ? "up" : "no carrier";
}

std::string speed_text(std::uint64_t bits_per_second) {
  constexpr std::uint64_t million = 1'000'000;
  if (bits_per_second == 0) return "-";
  if (bits_per_second % (1000 * million) == 0) return fmt::format("{} Gbit/s", bits_per_second / (1000 * million));
  return fmt::format("{} Mbit/s", bits_per_second / million);
}

std::string mac_text(const Interface& interface) {
  if (!interface.has_mac_address) return "-";
  return fmt::format("{:02x}", fmt::join(interface.mac_address, ":"));
}

/// One line per interface below a line of titles, columns as wide as their widest entry.
void print_table(const std::vector<DeviceDescription>& devices) {
  std::vector<std::array<std::string, 5>> rows = {{"NAME", "STATE", "LINK", "SPEED", "MAC"}};
  for (const DeviceDescription& device : devices) {
    const Interface& interface = device.interface;
    rows.push_back({interface.name, state_text(device), link_type_name(interface.link_type),
                    speed_text(interface.speed_bps), mac_text(interface)});
  }
  std::array<std::size_t, 5> widths{};
  for (const auto& row : rows) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      line += fmt::format("{:<{}}  ", row[column], widths[column]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::puts(line.c_str());
  }
}

void print_json(const std::vector<DeviceDescription>& devices) {
  Json list = Json::array();
  for (const DeviceDescription& device : devices) {
    const Interface& interface = device.interface;
    list.push_back({{"name", interface.name},
                    {"index", interface.index},
                    {"up", device.up},
                    {"running", device.running},
                    {"loopback", device.loopback},
                    {"link_type", interface.link_type},
                    {"link_type_name", link_type_name(interface.link_type)},
                    {"speed_bps", interface.speed_bps},
                    {"mac_address", interface.has_mac_address ? Json(mac_text(interface)) : Json(nullptr)},
                    {"hardware", interface.hardware}});
  }
  std::puts(list.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

}  // namespace

int run_list(Arguments arguments) {
  bool json = false;
  CLI::App app("Show the interfaces of this machine (of the current network namespace).", "ringtail list");
  describe(app, "  ringtail list\n  ringtail list --json | jq -r '.[] | select(.up) | .name'\n");
  app.add_flag("--json", json, "as a JSON array");
  if (const auto status = parse_command_line(app, arguments)) return *status;
  const auto devices = list_devices();
  if (!devices) return report(devices.error());
  json ? print_json(*devices) : print_table(*devices);
  return exit_done;
}

}  // namespace ringtail::tools
