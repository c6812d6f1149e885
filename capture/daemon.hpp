// The supervisor: it owns the captures, hears signals and the control sockets, and never waits for a disk or a ring.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "capture.hpp"
#include "control_server.hpp"
#include "metrics_server.hpp"
#include "opener.hpp"
#include "options.hpp"
#include "privileges.hpp"
#include "signals.hpp"

namespace ringtail::daemon {

/// Threads: one, the main thread.
class Daemon {
 public:
  /// Everything is open, and captures run, when this returns.
  [[nodiscard]] static Result<std::unique_ptr<Daemon>> start(const Options& options, const Settings& settings);

  /// Until a signal, or until the last capture has been stopped.
  void run();

 private:
  Daemon(Options options, Settings settings, Signals signals);

  [[nodiscard]] Result<void> open_captures();
  [[nodiscard]] Result<void> give_up_privileges(const std::optional<base::User>& user);
  [[nodiscard]] Result<void> start_captures();
  [[nodiscard]] Result<void> add_capture(const CaptureSettings& settings);
  void obey(int signal);
  void dump_all();
  void stop_all();
  void answer(const Question& question);
  void attach(Attachment attachment);
  [[nodiscard]] control::Answer answer_at_once(const Question& question, Capture& capture);
  [[nodiscard]] Result<void> reload();
  void carry_out_reload(const Settings& wanted);
  void remove_ended();
  void keep_watchdog_quiet();
  void show_metrics();
  void log_statistics() const;
  [[nodiscard]] std::vector<CaptureSettings> running() const;

  const Options options_;
  Settings settings_;
  Signals signals_;
  Opener opener_;
  ControlServer control_;
  struct Running {
    std::unique_ptr<Capture> capture;
    CaptureSettings settings;
    std::optional<CaptureSettings> then;  ///< to be begun when this one has ended
  };
  std::map<std::string, Running> captures_;
  unsigned end_requests_ = 0;
  std::chrono::steady_clock::time_point watchdog_due_{};
  std::unique_ptr<MetricsServer> metrics_;
  std::chrono::steady_clock::time_point metrics_due_{};
};

}  // namespace ringtail::daemon
