// A running capture: the workers, and the thread that listens to clock and signals.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "capture_options.hpp"
#include "capture_worker.hpp"
#include "signals.hpp"
#include "summary.hpp"

namespace ringtail::tools {

/// Opens everything, then runs until a stop condition, a signal or an error. Threads: one; the workers have their own.
class CaptureSession {
 public:
  /// What is done every now and then while packets are captured: a progress line, statistics.
  struct Periodic {
    std::chrono::nanoseconds period{-1};               ///< negative: never
    std::function<bool(const CaptureSession&)> act{};  ///< false ends the capture
  };

  /// Sources first, files only when all sources are open. `options.interfaces` is not empty; `options.output.path` is
  /// set when `recording`. At the end it gives up root, where that is asked for, and signals are its own from then on.
  [[nodiscard]] static Result<std::unique_ptr<CaptureSession>> open(const CaptureOptions& options, bool recording);

  /// Captures. Returns when all workers have ended and their files are finished.
  void run(const Periodic& periodic);

  /// Before or after run(): the books as they stand.
  [[nodiscard]] Summary summary() const;

  /// One entry per interface, all its rings together. At any time, from Periodic::act too, as what follows.
  [[nodiscard]] std::vector<SourceSummary> source_summaries() const;

  [[nodiscard]] double elapsed_seconds() const noexcept { return elapsed_seconds_; }

  /// More than one link type, at the moment.
  [[nodiscard]] bool mixes_link_types() const;

 private:
  CaptureSession(const CaptureOptions& options, base::WakeEvent bell);

  [[nodiscard]] Result<void> open_workers(bool recording);
  [[nodiscard]] Result<void> open_shared_recorder();
  [[nodiscard]] std::optional<int> cpu_of(std::size_t worker) const;
  void wait(std::chrono::nanoseconds longest) const;
  void obey(int signal);
  void stop_all();
  void abandon_all();
  void follow_ended_workers();
  [[nodiscard]] bool has_ended() const;

  CaptureOptions options_;
  CaptureCommons commons_;
  std::optional<SignalQueue> signals_;
  std::vector<std::unique_ptr<CaptureWorker>> workers_;  ///< worker k has ring k of every interface
  std::unique_ptr<SharedRecorder> shared_recorder_;      ///< where all workers write into one file
  std::vector<int> cpus_;                                ///< where the workers run, in turn; empty: anywhere
  unsigned end_requests_ = 0;                            ///< by signals
  double elapsed_seconds_ = 0;
};

/// One line per interface about what has come in so far.
[[nodiscard]] std::string statistics_text(const std::vector<SourceSummary>& sources);

}  // namespace ringtail::tools
