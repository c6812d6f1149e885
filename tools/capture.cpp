// ringtail capture: from interfaces into files.
#include "capture_account.hpp"
#include "capture_options.hpp"
#include "capture_questions.hpp"
#include "capture_session.hpp"
#include "devices.hpp"
#include "output_path.hpp"
#include "progress.hpp"
#include "report.hpp"

namespace ringtail::tools {

namespace {

constexpr std::chrono::milliseconds progress_period{500};

/// Without any -i there is the default interface, with -S all that are up.
Result<void> settle_interfaces(CaptureOptions& options) {
  if (options.interfaces.empty() && options.mode == CaptureMode::print_statistics) {
    const auto devices = list_devices();
    if (!devices) return tl::unexpected(devices.error());
    for (const DeviceDescription& device : *devices) {
      if (device.up) options.interfaces.push_back({device.interface.name, options.defaults});
    }
  }
  if (options.interfaces.empty()) options.interfaces.push_back({{}, options.defaults});
  for (InterfaceOptions& interface : options.interfaces) {
    auto device = resolve_device(interface.device);
    if (!device) return tl::unexpected(std::move(device.error()));
    interface.device = std::move(*device);
  }
  return {};
}

void warn_of_links_that_are_down(const CaptureOptions& options) {
  const auto devices = list_devices();
  if (!devices) return;
  for (const InterfaceOptions& interface : options.interfaces) {
    for (const DeviceDescription& device : *devices) {
      if (device.interface.name == interface.device && !device.up) {
        warn(interface.device + " is down; its packets are captured as soon as it is up");
      }
    }
  }
}

/// A port has no link to look at before it is open.
void warn_of_ports_without_a_link(const Summary& summary) {
  for (const SourceSummary& source : summary.sources) {
    for (const Counter& counter : source.counters) {
      if (counter.name != "link_up" || counter.value != 0) continue;
      warn(source.name + " has no link yet; its packets are captured as soon as it has");
    }
  }
}

/// True when there was something to warn of.
bool warn_of_mixed_link_types(const CaptureSession& session, const CaptureOptions& options) {
  if (options.output.format != FileFormat::pcapng || !session.mixes_link_types()) return false;
  warn("different link types in one file: Wireshark reads it, tcpdump and other libpcap programs do not");
  return true;
}

/// Captures until the end and gives the account of it.
Summary run_session(CaptureSession& session, const CaptureOptions& options) {
  ProgressLine progress(!options.quiet);
  const auto show_progress = [&progress](const CaptureSession& running) {
    Stats total;
    for (const SourceSummary& source : running.source_summaries()) total += source.stats;
    progress.show(total.delivered, total.dropped_ring + total.dropped_interface, running.elapsed_seconds());
    return true;
  };
  CaptureSession::Periodic periodic;
  if (progress.is_on()) periodic = {.period = progress_period, .act = show_progress};
  session.run(periodic);
  return session.summary();
}

Summary open_and_run(const CaptureOptions& options) {
  auto session = CaptureSession::open(options, true);
  if (!session) return {.usage = ProcessUsage::now(), .error = session.error()};
  const Summary opened = (*session)->summary();
  tell(opening_text(options, opened.written.files));
  warn_of_ports_without_a_link(opened);
  const bool warned = warn_of_mixed_link_types(**session, options);
  Summary summary = run_session(**session, options);
  if (!warned) warn_of_mixed_link_types(**session, options);  // "any" meets its interfaces on the way
  tell(account_text(summary));
  return summary;
}

/// Where packets go without -w.
std::string temporary_output(const CaptureOptions& options) {
  const std::size_t count = options.interfaces.size();
  const std::string subject = count == 1 ? options.interfaces.front().device : std::to_string(count) + "_interfaces";
  return temporary_path(options.temporary_directory, subject, options.output.format);
}

int record(CaptureOptions& options) {
  auto output = SummaryOutput::open(options.json_path);
  if (!output) return report(output.error());
  if (options.output.path.empty()) options.output.path = temporary_output(options);
  warn_of_links_that_are_down(options);
  return conclude(open_and_run(options), *output);
}

int answer(const Result<void>& result) {
  return result ? exit_done : report(result.error());
}

}  // namespace

int run_capture(Arguments arguments) {
  CaptureOptions options;
  if (const auto status = read_capture_options(arguments, options)) return *status;
  if (options.mode == CaptureMode::list_interfaces) return answer(print_numbered_devices());
  if (auto settled = settle_interfaces(options); !settled) return report(settled.error());
  switch (options.mode) {
    case CaptureMode::list_interfaces:
    case CaptureMode::list_link_types:
      return answer(print_link_types(options.interfaces));
    case CaptureMode::print_filter:
      return answer(print_filters(options.interfaces));
    case CaptureMode::print_statistics:
      return answer(print_statistics(options));
    case CaptureMode::record:
      break;
  }
  return record(options);
}

}  // namespace ringtail::tools
