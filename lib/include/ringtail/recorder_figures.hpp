// What a recorder counts.
#pragma once

#include <cstdint>

#include <ringtail/latency_histogram.hpp>

namespace ringtail {

/// The same names everywhere: in a recorder's stats, a daemon's status, its metrics and the summaries.
struct RecorderFigures {
  std::uint64_t written_packets = 0;   ///< in a file, or accepted and on their way before finish()
  std::uint64_t dropped_writer = 0;    ///< delivered but in no file: the disk was full, broken or too slow
  std::uint64_t captured_bytes = 0;    ///< packet bytes of written_packets
  std::uint64_t written_bytes = 0;     ///< file bytes
  std::uint64_t copied_bytes = 0;      ///< bytes the writer copied with the CPU
  std::uint64_t dilated_chunks = 0;    ///< no packet moved: ring blocks with their gaps, batches passed from mbufs
  std::uint64_t compacted_chunks = 0;  ///< ring blocks whose packets were moved together
  std::uint64_t files_total = 0;
  /// How long chunks took, a ring block, a megabyte of copied packets or a batch passed from mbufs each, from the
  /// writer's hand until the capture thread saw that they were in the file: the disk, and before it the wait for others
  /// to be written with and for the write before. Of those that have arrived.
  LatencyHistogram write_latency{};

  RecorderFigures& operator+=(const RecorderFigures& other) noexcept {
    written_packets += other.written_packets;
    dropped_writer += other.dropped_writer;
    captured_bytes += other.captured_bytes;
    written_bytes += other.written_bytes;
    copied_bytes += other.copied_bytes;
    dilated_chunks += other.dilated_chunks;
    compacted_chunks += other.compacted_chunks;
    files_total += other.files_total;
    write_latency += other.write_latency;
    return *this;
  }
  RecorderFigures& operator-=(const RecorderFigures& other) noexcept {
    written_packets -= other.written_packets;
    dropped_writer -= other.dropped_writer;
    captured_bytes -= other.captured_bytes;
    written_bytes -= other.written_bytes;
    copied_bytes -= other.copied_bytes;
    dilated_chunks -= other.dilated_chunks;
    compacted_chunks -= other.compacted_chunks;
    files_total -= other.files_total;
    write_latency -= other.write_latency;
    return *this;
  }
};

}  // namespace ringtail
