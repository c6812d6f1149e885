// What is measured, and how each figure is made of it. All of the bench's figures are defined here.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bench/capture_file.hpp"
#include "bench/spread.hpp"
#include "bench/usage.hpp"

namespace ringtail::bench {

/// One run of one contestant, as it was seen from outside.
struct RunAccount {
  std::uint64_t offered_packets = 0;   ///< in the blocks it was given, or received by the interface while it ran
  std::uint64_t captured_packets = 0;  ///< in its file
  std::uint64_t captured_bytes = 0;    ///< packet bytes in its file, without any framing
  std::uint64_t user_copied_bytes = 0;
  ProcessUsage usage;  ///< wait4(2): the whole process to its end; in the live race its CPU time without the start
  double machine_cpu_ns = 0;  ///< what the whole machine did because of it: see CopyTable and LiveRace
  double seconds = 0;         ///< from the start (of the sending) until its file is on the disk (fdatasync included)
  FileState file;             ///< right after its end
  std::optional<std::uint64_t> system_calls;
};

/// What an idle run takes as a rule: each of the process's and the machine's accounts is the median of those of `runs`,
/// of which there is one at least. A start costs many times as much when the kernel first has to look for memory for
/// the ring.
[[nodiscard]] RunAccount typical_idle(const std::vector<RunAccount>& runs);

/// A row of a table: several runs of one contestant on one kind of traffic.
///
/// "Steady state" below means: minus the same figure of a typical idle run, in which the contestant starts, gets
/// nothing to do, and ends. In the live race it waits idly for as long as a run lasts.
struct Figures {
  std::uint64_t rounds = 0;
  std::uint64_t offered_packets = 0;   ///< sum over the rounds
  std::uint64_t captured_packets = 0;  ///< likewise; what is missing was lost

  /// User and system CPU time of the process, its threads and children, steady state, by captured packets. Per round.
  Spread cpu_ns_per_packet;
  /// The same of the whole machine: kernel workers that write back dirty pages and interrupts included. Sum over the
  /// rounds, since the kernel counts it in hundredths of a second.
  double machine_cpu_ns_per_packet = 0;
  /// By captured bytes: 1 for the kernel's copy into the ring (or out of the socket), plus what the process copied,
  /// plus what the kernel copied into the page cache (the part of the file that is found there after the run).
  double copies_per_byte = 0;
  /// Steady state, by 1,000 captured packets; from a run of its own that is not timed.
  std::optional<double> system_calls_per_1000;
  /// Voluntary and involuntary ones, steady state, by 1,000 captured packets. Median.
  double switches_per_1000 = 0;
  double file_bytes_per_byte = 0;            ///< the file's length by captured bytes
  double cached_per_file_byte = 0;           ///< how much of the file stayed in the page cache
  Spread file_gb_per_second;                 ///< the file's length by the time until it is on the disk. Per round.
  std::uint64_t largest_resident_bytes = 0;  ///< of the process, ring included where it has touched it

  [[nodiscard]] std::int64_t lost_packets() const noexcept {
    return static_cast<std::int64_t>(offered_packets) - static_cast<std::int64_t>(captured_packets);
  }
};

/// Gathers the runs of one row.
class FigureCollector {
 public:
  /// `writes_into_page_cache`: the process's own copies went there, so the kernel made none.
  explicit FigureCollector(bool writes_into_page_cache = false) : writes_into_page_cache_(writes_into_page_cache) {}

  /// The typical run in which the contestant had nothing to do.
  void set_idle(const RunAccount& idle) { idle_ = idle; }
  /// A run whose system calls were counted; not part of any other figure.
  void set_counted(const RunAccount& counted) { counted_ = counted; }
  void add_round(const RunAccount& run) { rounds_.push_back(run); }

  [[nodiscard]] Figures finish() const;

 private:
  bool writes_into_page_cache_;
  RunAccount idle_;
  std::optional<RunAccount> counted_;
  std::vector<RunAccount> rounds_;
};

}  // namespace ringtail::bench
