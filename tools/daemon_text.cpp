#include "daemon_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sstream>

namespace ringtail::tools {

namespace {

using control::CaptureStatus;
using control::ClientStatus;
using control::SourceStatus;

const SourceStatus* same_source(const StatusPair& pair, const SourceStatus& source) {
  if (!pair.before) return nullptr;
  const auto& sources = pair.before->sources;
  const auto found = std::find_if(sources.begin(), sources.end(),
                                  [&source](const SourceStatus& each) { return each.name == source.name; });
  return found == sources.end() ? nullptr : &*found;
}

const ClientStatus* same_client(const StatusPair& pair, const ClientStatus& client) {
  if (!pair.before) return nullptr;
  const auto& clients = pair.before->share.clients;
  const auto found = std::find_if(clients.begin(), clients.end(), [&client](const ClientStatus& each) {
    return each.pid == client.pid && each.number == client.number;
  });
  return found == clients.end() ? nullptr : &*found;
}

/// Per second, between two moments. A daemon that was started anew in between has counted less.
std::string rate(const StatusPair& pair, std::uint64_t before, std::uint64_t now) {
  if (!pair.before || now < before) return "-";
  const double seconds = pair.now.elapsed_seconds - pair.before->elapsed_seconds;
  return seconds > 0 ? fmt::format("{:.0f}", static_cast<double>(now - before) / seconds) : "-";
}

/// Tenths of a millisecond are as exact as it is.
std::string time_text(double seconds) {
  return seconds < 1 ? fmt::format("{:.1f} ms", seconds * 1e3) : fmt::format("{:.1f} s", seconds);
}

std::string flight_text(const control::FlightStatus& flight) {
  return fmt::format("  holds {:.1f} of {:g} s, {} of {}; {} dumps, {} failed, {} triggered\n", flight.held_seconds,
                     flight.seconds, bytes_text(static_cast<double>(flight.held_bytes)),
                     bytes_text(static_cast<double>(flight.held_limit_bytes)), flight.dumps, flight.dumps_failed,
                     flight.triggers);
}

std::string capture_lines(const StatusPair& pair) {
  const CaptureStatus& now = pair.now;
  const CaptureStatus before = pair.before.value_or(now);
  std::string text = fmt::format("{:<14} {:<8} {:>10} {:>10} {:>10} {:>10} {:>12} {:>7} {:>9} {:>7} {:>9}\n", now.name,
                                 now.state, rate(pair, before.delivered, now.delivered),
                                 rate(pair, before.recorded.written_packets, now.recorded.written_packets),
                                 now.recorded.dropped_writer, now.discarded_paused,
                                 bytes_text(static_cast<double>(now.recorded.written_bytes)), now.storage.files,
                                 bytes_text(static_cast<double>(now.storage.bytes)),
                                 now.storage.directory.empty() ? "-" : fmt::format("{:.1f}%", now.storage.free_percent),
                                 now.write_latency.chunks == 0 ? "-" : time_text(now.write_latency.p99_seconds));
  for (const SourceStatus& source : now.sources) {
    const SourceStatus* earlier = same_source(pair, source);
    text += fmt::format("  {:<12} {:<8} {:>10} {:>10} {:>10} {:>10} {:>12} {:>7}\n", source.name,
                        source.present ? "up" : "away",
                        rate(pair, earlier != nullptr ? earlier->received : source.received, source.received),
                        source.unread, source.dropped_ring, source.dropped_interface, source.freezes, source.lost);
  }
  for (const ClientStatus& client : now.share.clients) {
    const ClientStatus* earlier = same_client(pair, client);
    text +=
        fmt::format("  {:<12} {:<8} {:>10} {:>10} {:>10}{}\n", client.name, client.pid,
                    rate(pair, earlier != nullptr ? earlier->lent_packets : client.lent_packets, client.lent_packets),
                    client.held_slots, client.skipped_packets, client.reads_rings ? "  reads the ring" : "");
  }
  if (now.waiting_packets != 0) text += fmt::format("  {} packets wait for the writer\n", now.waiting_packets);
  if (now.flight.seconds > 0) text += flight_text(now.flight);
  if (!now.error.empty()) text += "  " + now.error + "\n";
  return text;
}

std::string file_lines(const CaptureStatus& status) {
  const bool has_flight = status.flight.seconds > 0;
  const bool has_storage = !status.storage.directory.empty();
  if (!has_storage && !has_flight) return fmt::format("  delivered {}, nothing is written\n", status.delivered);
  std::string text = fmt::format(
      "  delivered {} = written {} + dropped_writer {} + discarded_paused {}{}\n", status.delivered,
      status.recorded.written_packets, status.recorded.dropped_writer, status.discarded_paused,
      has_flight ? fmt::format(" + held {} + expired {}", status.flight.held_packets, status.flight.expired_packets)
                 : "");
  if (status.waiting_packets != 0) {
    text += fmt::format("  of those written {} wait for the writer\n", status.waiting_packets);
  }
  if (has_flight) text += flight_text(status.flight);
  text += fmt::format("  {} in {} files ({}) since the start\n",
                      bytes_text(static_cast<double>(status.recorded.written_bytes)), status.recorded.files_total,
                      status.writer);
  if (status.write_latency.chunks != 0) {
    text += fmt::format("  {} chunks written, half of them within {}, 99 % within {}\n", status.write_latency.chunks,
                        time_text(status.write_latency.p50_seconds), time_text(status.write_latency.p99_seconds));
  }
  if (!has_storage) return text;
  text += fmt::format(
      "  {}: {} files, {}{}; {:.1f} % free\n", status.storage.directory, status.storage.files,
      bytes_text(static_cast<double>(status.storage.bytes)),
      status.storage.quota_bytes == 0 ? "" : " of " + bytes_text(static_cast<double>(status.storage.quota_bytes)),
      status.storage.free_percent);
  if (const control::CompressionStatus& compression = status.storage.compression; compression.enabled) {
    text += fmt::format("  compressed {} files, {} to {}; {} files wait, {}\n", compression.files,
                        bytes_text(static_cast<double>(compression.input_bytes)),
                        bytes_text(static_cast<double>(compression.output_bytes)), compression.waiting_files,
                        bytes_text(static_cast<double>(compression.waiting_bytes)));
  }
  return text;
}

std::string cut_lines(const std::string& text, std::size_t columns) {
  std::stringstream lines(text);
  std::string cut;
  for (std::string line; std::getline(lines, line);) cut += line.substr(0, columns) + "\n";
  return cut;
}

}  // namespace

std::string bytes_text(double bytes) {
  constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < std::size(units)) {
    bytes /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{:.0f} B", bytes);
  return fmt::format("{:.1f} {}", bytes, units[unit]);
}

std::string stat_text(const CaptureStatus& status) {
  std::string text =
      fmt::format("{}: {} for {:.1f} s, pid {}\n", status.name, status.state, status.elapsed_seconds, status.pid);
  if (!status.error.empty()) text += "  error: " + status.error + "\n";
  if (status.silent_seconds > 1) {
    text += fmt::format("  has not been heard of for {:.1f} s\n", status.silent_seconds);
  }
  if (!status.filter.empty()) text += "  filter: " + status.filter + "\n";
  for (const SourceStatus& source : status.sources) {
    text += fmt::format("  {}{}: received {} = delivered {} + dropped_ring {} + unread {}; dropped_interface {}\n",
                        source.name, source.present ? "" : " (away)", source.received, source.delivered,
                        source.dropped_ring, source.unread, source.dropped_interface);
  }
  text += file_lines(status);
  for (const ClientStatus& client : status.share.clients) {
    text += fmt::format("  {} (pid {}, uid {}{}{}{}{}{}): lent {}, skipped {}; holds {} of {} slots\n", client.name,
                        client.pid, client.uid, client.group.empty() ? "" : ", group ", client.group,
                        client.filter.empty() ? "" : ", filter ", client.filter,
                        client.reads_rings ? ", reads the ring" : "", client.lent_packets, client.skipped_packets,
                        client.held_slots, client.credit);
  }
  if (status.share.admitted != 0) {
    text +=
        fmt::format("  analyzers: {} attached, {} admitted, {} refused, {} evicted, {} broken; lent {}, skipped {}\n",
                    status.share.clients.size(), status.share.admitted, status.share.refused, status.share.evicted,
                    status.share.broken, status.share.lent_packets, status.share.skipped_packets);
  }
  return text;
}

std::string top_text(const std::vector<StatusPair>& captures, std::size_t columns) {
  std::string text = fmt::format("{:<14} {:<8} {:>10} {:>10} {:>10} {:>10} {:>12} {:>7} {:>9} {:>7} {:>9}\n", "CAPTURE",
                                 "STATE", "PACKETS/S", "WRITTEN/S", "DROP-WRITE", "DISCARDED", "WRITTEN", "FILES",
                                 "ON DISK", "FREE", "WRITE 99%");
  text += fmt::format("  {:<12} {:<8} {:>10} {:>10} {:>10} {:>10} {:>12} {:>7}\n", "INTERFACE", "LINK", "PACKETS/S",
                      "IN RING", "DROP-RING", "DROP-NIC", "FREEZES", "LOST");
  const bool has_clients = std::any_of(captures.begin(), captures.end(),
                                       [](const StatusPair& pair) { return !pair.now.share.clients.empty(); });
  if (has_clients) {
    text += fmt::format("  {:<12} {:<8} {:>10} {:>10} {:>10}\n", "ANALYZER", "PID", "PACKETS/S", "HOLDS", "SKIPPED");
  }
  for (const StatusPair& each : captures) text += capture_lines(each);
  return cut_lines(text, columns);
}

}  // namespace ringtail::tools
