#include "metrics.hpp"

#include <fmt/format.h>
#include <functional>

namespace ringtail::daemon {

namespace {

using control::CaptureStatus;
using control::SourceStatus;

/// A label's value: backslash, quote and newline are escaped.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char character : text) {
    if (character == '\\' || character == '"') result += '\\';
    result += character == '\n' ? ' ' : character;
  }
  return result;
}

bool is_well(const CaptureStatus& status) {
  return status.state != "failing" && status.state != "stalled" && status.state != "ended";
}

/// One metric for all captures: prometheus wants its values together.
class MetricsWriter {
 public:
  explicit MetricsWriter(const std::vector<CaptureStatus>& captures) : captures_(captures) {}

  template <typename Value>
  void of_capture(const char* name, const char* type, const char* help, Value value) {
    head(name, type, help);
    for (const CaptureStatus& each : captures_) {
      text_ += fmt::format("{}{{capture=\"{}\"}} {}\n", name, escaped(each.name), value(each));
    }
  }

  /// Prometheus counts in each bucket those below it, too.
  template <typename Histogram>
  void histogram_of_capture(const char* name, const char* help, Histogram histogram) {
    head(name, "histogram", help);
    for (const CaptureStatus& each : captures_) {
      const LatencyHistogram& times = histogram(each);
      const std::string capture = escaped(each.name);
      std::uint64_t count = 0;
      for (std::size_t bucket = 0; bucket < times.bounds_us.size(); ++bucket) {
        count += times.counts[bucket];
        text_ += fmt::format("{}_bucket{{capture=\"{}\",le=\"{}\"}} {}\n", name, capture,
                             static_cast<double>(times.bounds_us[bucket]) / 1e6, count);
      }
      count += times.counts.back();
      text_ += fmt::format("{}_bucket{{capture=\"{}\",le=\"+Inf\"}} {}\n", name, capture, count);
      text_ += fmt::format("{}_sum{{capture=\"{}\"}} {}\n", name, capture, static_cast<double>(times.total_ns) / 1e9);
      text_ += fmt::format("{}_count{{capture=\"{}\"}} {}\n", name, capture, count);
    }
  }

  template <typename Value>
  void of_source(const char* name, const char* type, const char* help, Value value) {
    head(name, type, help);
    for (const CaptureStatus& each : captures_) {
      for (const SourceStatus& source : each.sources) {
        text_ += fmt::format("{}{{capture=\"{}\",interface=\"{}\"}} {}\n", name, escaped(each.name),
                             escaped(source.name), value(source));
      }
    }
  }

  template <typename Value>
  void of_client(const char* name, const char* help, Value value) {
    head(name, "counter", help);
    for (const CaptureStatus& each : captures_) {
      for (const control::ClientStatus& client : each.share.clients) {
        text_ += fmt::format("{}{{capture=\"{}\",client=\"{}\",pid=\"{}\",number=\"{}\"}} {}\n", name,
                             escaped(each.name), escaped(client.name), client.pid, client.number, value(client));
      }
    }
  }

  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  void head(const char* name, const char* type, const char* help) {
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }

  const std::vector<CaptureStatus>& captures_;
  std::string text_;
};

void add_sources(MetricsWriter& metrics) {
  const auto counter = [&metrics](const char* name, const char* help, std::uint64_t SourceStatus::*member) {
    metrics.of_source(name, "counter", help, std::mem_fn(member));
  };
  counter("ringtail_received_packets_total", "Packets that passed the filter, drops included.",
          &SourceStatus::received);
  counter("ringtail_delivered_packets_total", "Packets taken out of the ring.", &SourceStatus::delivered);
  counter("ringtail_dropped_ring_packets_total", "Lost because the ring had no free block.",
          &SourceStatus::dropped_ring);
  counter("ringtail_dropped_interface_packets_total", "Lost before the ring, by NIC or kernel.",
          &SourceStatus::dropped_interface);
  counter("ringtail_ring_freezes_total", "Times the ring had no free block.", &SourceStatus::freezes);
  counter("ringtail_truncated_packets_total", "Cut for want of room, not by the snaplen.", &SourceStatus::truncated);
  counter("ringtail_malformed_records_total", "Impossible records in the ring.", &SourceStatus::malformed);
  counter("ringtail_interface_lost_total", "Times the interface went away.", &SourceStatus::lost);
  metrics.of_source("ringtail_unread_packets", "gauge", "Packets waiting in the ring.",
                    std::mem_fn(&SourceStatus::unread));
  metrics.of_source("ringtail_most_unread_packets", "gauge",
                    "The most that were seen waiting in one ring since the start, at five looks a second.",
                    std::mem_fn(&SourceStatus::most_unread));
  metrics.of_source("ringtail_interface_present", "gauge", "1 while the interface is there.",
                    [](const SourceStatus& source) { return source.present ? 1 : 0; });
}

void add_output(MetricsWriter& metrics) {
  const auto counter = [&metrics](const char* name, const char* help, std::uint64_t CaptureStatus::*member) {
    metrics.of_capture(name, "counter", help, std::mem_fn(member));
  };
  counter("ringtail_discarded_paused_packets_total", "Delivered while the capture was paused.",
          &CaptureStatus::discarded_paused);
  counter("ringtail_late_packets_total", "Written behind later ones, though they were to be in order.",
          &CaptureStatus::late_packets);
  metrics.of_capture("ringtail_writer_waiting_packets", "gauge", "Of those written, not with the recorder yet.",
                     std::mem_fn(&CaptureStatus::waiting_packets));
  const auto recorded = [&metrics](const char* name, const char* help, std::uint64_t RecorderFigures::*member) {
    metrics.of_capture(name, "counter", help, [member](const CaptureStatus& each) { return each.recorded.*member; });
  };
  metrics.of_capture("ringtail_written_packets", "gauge",
                     "Packets in files, or on their way there; fewer when a file fails under those.",
                     [](const CaptureStatus& each) { return each.recorded.written_packets; });
  recorded("ringtail_dropped_writer_packets_total", "Delivered, but could not be written, or the writer held too much.",
           &RecorderFigures::dropped_writer);
  recorded("ringtail_captured_bytes_total", "Packet bytes in files.", &RecorderFigures::captured_bytes);
  recorded("ringtail_written_bytes_total", "File bytes.", &RecorderFigures::written_bytes);
  recorded("ringtail_copied_bytes_total", "Bytes the writer copied with the CPU.", &RecorderFigures::copied_bytes);
  recorded("ringtail_dilated_chunks_total", "Ring blocks written with their gaps, and batches passed from mbufs.",
           &RecorderFigures::dilated_chunks);
  recorded("ringtail_compacted_chunks_total", "Ring blocks moved together.", &RecorderFigures::compacted_chunks);
  recorded("ringtail_files_total", "Files begun.", &RecorderFigures::files_total);
  metrics.histogram_of_capture(
      "ringtail_write_latency_seconds",
      "From a chunk in the writer's hands until its bytes were seen to be in the file.",
      [](const CaptureStatus& each) -> const LatencyHistogram& { return each.recorded.write_latency; });
}

void add_storage(MetricsWriter& metrics) {
  const auto gauge = [&metrics](const char* name, const char* help, auto value) {
    metrics.of_capture(name, "gauge", help, [value](const CaptureStatus& each) { return each.storage.*value; });
  };
  gauge("ringtail_stored_files", "Finished files there are.", &control::StorageStatus::files);
  gauge("ringtail_stored_bytes", "Bytes in finished files.", &control::StorageStatus::bytes);
  gauge("ringtail_quota_bytes", "Most bytes in finished files; 0: no such limit.",
        &control::StorageStatus::quota_bytes);
  gauge("ringtail_storage_free_percent", "Of the file system.", &control::StorageStatus::free_percent);
  metrics.of_capture("ringtail_deleted_files_total", "counter", "Finished files deleted to make room.",
                     [](const CaptureStatus& each) { return each.storage.files_deleted; });
}

void add_compression(MetricsWriter& metrics) {
  const auto add = [&metrics](const char* name, const char* type, const char* help, auto value) {
    metrics.of_capture(name, type, help,
                       [value](const CaptureStatus& each) { return each.storage.compression.*value; });
  };
  using control::CompressionStatus;
  add("ringtail_compressed_files_total", "counter", "Finished files that were compressed.", &CompressionStatus::files);
  add("ringtail_compression_input_bytes_total", "counter", "Bytes in files before they were compressed.",
      &CompressionStatus::input_bytes);
  add("ringtail_compression_output_bytes_total", "counter", "Bytes in the files that they have become.",
      &CompressionStatus::output_bytes);
  add("ringtail_compression_waiting_files", "gauge", "Finished files that wait to be compressed.",
      &CompressionStatus::waiting_files);
  add("ringtail_compression_waiting_bytes", "gauge", "Bytes in files that wait to be compressed.",
      &CompressionStatus::waiting_bytes);
}

void add_share(MetricsWriter& metrics) {
  const auto add = [&metrics](const char* name, const char* type, const char* help, auto value) {
    metrics.of_capture(name, type, help, [value](const CaptureStatus& each) { return value(each.share); });
  };
  add("ringtail_clients", "gauge", "Analyzers that are attached.",
      [](const control::ShareStatus& share) { return share.clients.size(); });
  add("ringtail_admitted_clients_total", "counter", "Analyzers that have attached.",
      std::mem_fn(&control::ShareStatus::admitted));
  add("ringtail_refused_clients_total", "counter", "Who was not let in.", std::mem_fn(&control::ShareStatus::refused));
  add("ringtail_evicted_clients_total", "counter", "Analyzers that held packets for too long.",
      std::mem_fn(&control::ShareStatus::evicted));
  add("ringtail_broken_clients_total", "counter", "Analyzers that were thrown out for nonsense.",
      std::mem_fn(&control::ShareStatus::broken));
  add("ringtail_lent_packets_total", "counter", "Packets lent, counted for each analyzer.",
      std::mem_fn(&control::ShareStatus::lent_packets));
  add("ringtail_skipped_packets_total", "counter", "Packets that analyzers missed because they were too slow.",
      std::mem_fn(&control::ShareStatus::skipped_packets));
  add("ringtail_lending_copied_bytes_total", "counter", "Bytes copied to be lent, once for all analyzers.",
      std::mem_fn(&control::ShareStatus::copied_bytes));
  metrics.of_client("ringtail_client_lent_packets_total", "Packets lent to this analyzer.",
                    std::mem_fn(&control::ClientStatus::lent_packets));
  metrics.of_client("ringtail_client_skipped_packets_total", "Packets this analyzer missed.",
                    std::mem_fn(&control::ClientStatus::skipped_packets));
}

void add_flight(MetricsWriter& metrics) {
  const auto add = [&metrics](const char* name, const char* type, const char* help, auto value) {
    metrics.of_capture(name, type, help, [value](const CaptureStatus& each) { return each.flight.*value; });
  };
  using control::FlightStatus;
  add("ringtail_flight_seconds", "gauge", "How long packets are kept in memory; 0: there is no flight recorder.",
      &FlightStatus::seconds);
  add("ringtail_flight_held_seconds", "gauge", "How long the oldest packet in memory has been there.",
      &FlightStatus::held_seconds);
  add("ringtail_flight_held_packets", "gauge", "Packets in memory.", &FlightStatus::held_packets);
  add("ringtail_flight_held_bytes", "gauge", "Ring memory they fill.", &FlightStatus::held_bytes);
  add("ringtail_flight_held_limit_bytes", "gauge", "Ring memory they may fill.", &FlightStatus::held_limit_bytes);
  add("ringtail_flight_expired_packets_total", "counter", "Packets kept in memory that no dump wanted.",
      &FlightStatus::expired_packets);
  add("ringtail_flight_dumps_total", "counter", "Dumps into files.", &FlightStatus::dumps);
  add("ringtail_flight_dumps_failed_total", "counter", "Dumps that failed.", &FlightStatus::dumps_failed);
  add("ringtail_flight_triggers_total", "counter", "Dumps that a packet has called for.", &FlightStatus::triggers);
}

}  // namespace

std::string metrics_text(const std::vector<CaptureStatus>& captures) {
  MetricsWriter metrics(captures);
  metrics.of_capture("ringtail_up", "gauge", "1 while the capture runs, waits for an interface, or is paused.",
                     [](const CaptureStatus& each) { return is_well(each) ? 1 : 0; });
  metrics.of_capture("ringtail_silent_seconds", "gauge",
                     "Since the capture's quietest thread was heard of: above a second something keeps it waiting.",
                     [](const CaptureStatus& each) { return each.silent_seconds; });
  add_sources(metrics);
  add_output(metrics);
  add_storage(metrics);
  add_compression(metrics);
  add_share(metrics);
  add_flight(metrics);
  return std::move(metrics).text();
}

std::string health_complaints(const std::vector<CaptureStatus>& captures) {
  std::string complaints;
  for (const CaptureStatus& each : captures) {
    if (each.state == "failing" || each.state == "stalled")
      complaints += fmt::format("{}: {}\n", each.name, each.error);
  }
  return complaints;
}

}  // namespace ringtail::daemon
