// How a daemon's capture is doing: what `ringtail stat` and the metrics show. The names are those of the summary.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ringtail/recorder_figures.hpp>

namespace ringtail::control {

struct SourceStatus {
  std::string name{};
  std::string backend{};
  bool present = true;  ///< false while its interface is away
  std::uint64_t received = 0;
  std::uint64_t delivered = 0;
  std::uint64_t dropped_ring = 0;
  std::uint64_t unread = 0;       ///< waiting in the ring
  std::uint64_t most_unread = 0;  ///< the most that were seen waiting in one ring, at five looks a second
  std::uint64_t dropped_interface = 0;
  std::uint64_t freezes = 0;
  std::uint64_t truncated = 0;
  std::uint64_t malformed = 0;
  std::uint64_t lost = 0;  ///< times its interface went away
};

/// Finished files that are compressed one after the other; since the start.
struct CompressionStatus {
  bool enabled = false;
  std::uint64_t files = 0;          ///< compressed
  std::uint64_t input_bytes = 0;    ///< of those before
  std::uint64_t output_bytes = 0;   ///< and after
  std::uint64_t waiting_files = 0;  ///< finished and not compressed
  std::uint64_t waiting_bytes = 0;
};

struct StorageStatus {
  std::string directory{};
  std::string file{};               ///< the newest one, still hidden
  std::uint64_t files = 0;          ///< finished ones there are
  std::uint64_t bytes = 0;          ///< in them
  std::uint64_t quota_bytes = 0;    ///< 0: none
  std::uint64_t files_deleted = 0;  ///< to make room, since the start
  double free_percent = 0;          ///< of the file system
  CompressionStatus compression{};
};

/// What write_latency comes to: RecorderFigures.
struct WriteLatencyStatus {
  std::uint64_t chunks = 0;  ///< that have arrived in files
  double p50_seconds = 0;    ///< half of them took no longer
  double p99_seconds = 0;
};

/// An analyzer that is attached. Each packet is lent to it, or skipped because it holds all it may.
struct ClientStatus {
  std::string name{};  ///< of its process; empty where that is hidden
  std::int64_t pid = 0;
  std::uint64_t number = 0;  ///< the capture's first client is 1: a process may attach twice
  std::uint64_t uid = 0;
  std::string filter{};
  std::string group{};       ///< whose packets it shares; empty: none
  bool reads_rings = false;  ///< packets where the kernel put them, as long as it is not late
  std::uint64_t lent_packets = 0;
  std::uint64_t skipped_packets = 0;
  std::uint64_t held_slots = 0;
  std::uint64_t credit = 0;  ///< slots it may hold
};

/// Packets lent to analyzers; sums over all there have been.
struct ShareStatus {
  bool enabled = false;
  std::vector<ClientStatus> clients{};
  std::uint64_t admitted = 0;
  std::uint64_t refused = 0;
  std::uint64_t evicted = 0;  ///< held packets for too long
  std::uint64_t broken = 0;   ///< thrown out for nonsense
  std::uint64_t lent_packets = 0;
  std::uint64_t skipped_packets = 0;
  std::uint64_t copied_bytes = 0;  ///< once for all clients
};

/// A flight recorder: what it keeps in memory, and what has become of what it kept.
struct FlightStatus {
  double seconds = 0;  ///< how long packets are kept; 0: there is no flight recorder
  double held_seconds = 0;
  std::uint64_t held_packets = 0;
  std::uint64_t held_bytes = 0;  ///< of ring memory
  std::uint64_t held_limit_bytes = 0;
  std::uint64_t expired_packets = 0;  ///< given back, in no dump
  std::uint64_t dumps = 0;
  std::uint64_t dumps_failed = 0;
  std::uint64_t triggers = 0;  ///< dumps that a packet has called for, among the others
};

/// received = delivered + dropped_ring + unread in every source, and over all
/// delivered = recorded.written_packets + recorded.dropped_writer + discarded_paused, where files are written; with a
/// flight recorder + held_packets + expired_packets.
struct CaptureStatus {
  std::string name{};
  std::string version{};  ///< of the daemon
  std::string state{};  ///< "running", "paused", "waiting" (for an interface), "failing" (to write), "stalled", "ended"
  std::int64_t pid = 0;
  double elapsed_seconds = 0;
  double silent_seconds = 0;  ///< since the quietest worker was heard of; figures are as old
  std::string filter{};
  std::vector<SourceStatus> sources{};
  std::uint64_t delivered = 0;
  RecorderFigures recorded{};  ///< by all recorders there have been; the histogram is not in the JSON
  WriteLatencyStatus write_latency{};
  std::uint64_t discarded_paused = 0;  ///< were not to be written
  std::uint64_t waiting_packets = 0;   ///< of those written: not with the recorder yet
  std::uint64_t late_packets = 0;      ///< written behind later ones, though they were to be in order
  std::string writer{};
  StorageStatus storage{};
  ShareStatus share{};
  FlightStatus flight{};
  double user_seconds = 0;  ///< of the whole daemon
  double system_seconds = 0;
  std::string error{};  ///< what is wrong now; empty: nothing
};

/// As one line of JSON, without a newline.
[[nodiscard]] std::string to_json_text(const CaptureStatus& status);

}  // namespace ringtail::control
