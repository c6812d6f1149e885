#include "capture_questions.hpp"

#include <cstdio>
#include <fmt/format.h>

#include "capture_session.hpp"
#include "devices.hpp"
#include "filter/compile.hpp"
#include "link_types.hpp"

namespace ringtail::tools {

namespace {

constexpr std::chrono::seconds statistics_period{1};

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}

Result<filter::Program> compile(const std::string& device, const OpenOptions& open) {
  if (device == "any") return filter::compile_for_any(open.filter, open.snaplen);
  const auto link_types = link_types_of(device);
  if (!link_types) return tl::unexpected(link_types.error());
  const std::uint16_t link_type = open.link_type.value_or(*link_types->begin());
  if (!is_kernel_device(device)) return filter::compile(open.filter, link_type, filter::CompileFor::here, open.snaplen);
  return filter::compile(open.filter, link_type, filter::CompileFor::kernel, open.snaplen, device);
}

}  // namespace

Result<void> print_numbered_devices() {
  const auto devices = numbered_devices();
  if (!devices) return tl::unexpected(devices.error());
  unsigned number = 0;
  for (const DeviceDescription& device : *devices) {
    print(fmt::format("{}. {}{}\n", ++number, device.interface.name, device.loopback ? " (Loopback)" : ""));
  }
  return {};
}

Result<void> print_link_types(const std::vector<InterfaceOptions>& interfaces) {
  for (const InterfaceOptions& interface : interfaces) {
    const auto link_types = link_types_of(interface.device);
    if (!link_types) return tl::unexpected(link_types.error());
    print(fmt::format("Data link types of interface {} (use option -y to set):\n", interface.device));
    for (const std::uint16_t type : *link_types) {
      print(fmt::format("  {} ({})\n", link_type_name(type), link_type_description(type)));
    }
  }
  return {};
}

Result<void> print_filters(const std::vector<InterfaceOptions>& interfaces) {
  for (const InterfaceOptions& interface : interfaces) {
    const auto program = compile(interface.device, interface.open);
    if (!program) return tl::unexpected(program.error());
    print(filter::disassemble(*program));
  }
  return {};
}

Result<void> print_statistics(CaptureOptions options) {
  for (InterfaceOptions& interface : options.interfaces) interface.open.snaplen = 1;  // only counted
  auto session = CaptureSession::open(options, false);
  if (!session) return tl::unexpected(std::move(session.error()));
  print("Interface          Received     Dropped\n");
  const auto print_table = [](const CaptureSession& running) {
    for (const SourceSummary& source : running.source_summaries()) {
      const Stats& stats = source.stats;
      print(fmt::format("{:<15} {:>11} {:>11}\n", source.name, stats.received,
                        stats.dropped_ring + stats.dropped_interface));
    }
    return std::fflush(stdout) == 0;  // a reader that has seen enough, as in `| head`
  };
  (*session)->run({.period = statistics_period, .act = print_table});
  const Summary summary = (*session)->summary();
  if (summary.error) return tl::unexpected(*summary.error);
  return {};
}

}  // namespace ringtail::tools
