#include "capture_account.hpp"

#include <fmt/format.h>

namespace ringtail::tools {

namespace {

/// The line that dumpcap prints, with our causes of loss.
std::string interface_line(const SourceSummary& source) {
  const Stats& stats = source.stats;
  const std::uint64_t offered = stats.received + stats.dropped_interface;
  const double percent = offered == 0 ? 0 : 100.0 * static_cast<double>(stats.delivered) / static_cast<double>(offered);
  return fmt::format(
      "Packets received/dropped on interface '{}': {}/{} (ring:{}/interface:{}/unread:{}/truncated:{}) ({:.1f}%)\n",
      source.name, stats.delivered, stats.dropped_ring + stats.dropped_interface, stats.dropped_ring,
      stats.dropped_interface, stats.unread, stats.truncated, percent);
}

/// The causes that only this kind of source knows; empty where it knows none.
std::string counters_line(const SourceSummary& source) {
  std::string text;
  for (const Counter& counter : source.counters) text += fmt::format(" {}:{}", counter.name, counter.value);
  return text.empty() ? text : fmt::format("Counters of '{}':{}\n", source.name, text);
}

}  // namespace

std::string opening_text(const CaptureOptions& options, const std::vector<std::string>& files) {
  std::string names;
  const std::size_t count = options.interfaces.size();
  for (std::size_t index = 0; index < count; ++index) {
    if (index > 0) names += index + 1 == count ? " and " : ", ";
    names += "'" + options.interfaces[index].device + "'";
  }
  std::string text = "Capturing on " + names + "\n";
  for (const std::string& file : files) text += "File: " + file + "\n";
  return text;
}

std::string account_text(const Summary& summary) {
  std::string text = fmt::format("Packets captured: {}\n", summary.written.written_packets);
  for (const SourceSummary& source : summary.sources) text += interface_line(source) + counters_line(source);
  if (summary.written.files_total > 1) text += fmt::format("Files written: {}\n", summary.written.files_total);
  if (summary.written.dropped_writer > 0) {
    text += fmt::format("Packets dropped by the writer: {}\n", summary.written.dropped_writer);
  }
  return text + books_text(summary);
}

}  // namespace ringtail::tools
