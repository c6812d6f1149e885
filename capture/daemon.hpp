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
#include "refusal_log.hpp"
#include "reload_report.hpp"
#include "signals.hpp"

namespace ringtail::daemon {

/// Threads: one, the main thread.
class Daemon {
 public:
  /// Everything is open, and captures run, when this returns.
  [[nodiscard]] static Result<std::unique_ptr<Daemon>> start(const Options& options, const Settings& settings);

  /// Until a signal, or until the last capture has been stopped. False: nothing is captured though something was
  /// wanted, for it could not be started; a fresh process, with all its privileges, may do better.
  [[nodiscard]] bool run();

 private:
  using Report = std::shared_ptr<ReloadReport>;
  /// Settings, and the reload that has brought them.
  struct Wish {
    CaptureSettings settings;
    Report report;
  };
  struct Running {
    std::unique_ptr<Capture> capture;
    bool is_stopping = false;
    std::optional<Wish> then{};  ///< to be begun when this one has ended
  };
  /// A capture that is wanted and does not run, because it could not be started, or not yet. It is tried again.
  struct Waiting {
    CaptureSettings settings;
    Report report{};          ///< until it has been tried
    bool has_socket = false;  ///< whoever asks there hears why
    std::string why{};        ///< empty: it has not been tried
    std::chrono::steady_clock::time_point due{};
    std::chrono::seconds interval{1};
  };

  Daemon(Options options, Settings settings, Signals signals);

  [[nodiscard]] Result<void> open_captures();
  [[nodiscard]] Result<void> give_up_privileges(const std::optional<base::User>& user);
  [[nodiscard]] Result<void> start_captures();
  [[nodiscard]] Result<void> add_capture(const CaptureSettings& settings);
  void stop(Running& running);
  void obey(int signal);
  void dump_all();
  void stop_all();
  void answer(const Question& question);
  void attach(Attachment attachment);
  [[nodiscard]] control::Answer answer_at_once(const Question& question, Capture& capture);
  [[nodiscard]] Report report_to(std::uint64_t client);
  [[nodiscard]] control::Answer answer_without_capture(const Question& question);
  void remove_ended();
  void keep_watchdog_quiet();
  void show_metrics();
  void log_statistics() const;

  // daemon_reload.cpp: another configuration, and captures that cannot be started yet
  void reload(const Report& report);
  void carry_out_reload(const Settings& wanted, const Report& report);
  void restart(const CaptureSettings& settings, const Report& report);
  [[nodiscard]] std::vector<CaptureSettings> running() const;
  void begin_later(const CaptureSettings& settings, const Report& report);
  void begin_what_waits();
  void give_up(const std::string& name);
  [[nodiscard]] bool has_to_wait(const CaptureSettings& settings) const;
  [[nodiscard]] bool has_given_up();
  [[nodiscard]] static control::CaptureStatus status_of(const Waiting& waiting);

  const Options options_;
  Settings settings_;
  Signals signals_;
  Opener opener_;
  ControlServer control_;
  RefusalLog refusals_;
  std::map<std::string, Running> captures_;
  std::map<std::string, Waiting> waiting_;  ///< by name; a name may be in captures_, too, while that one stops
  std::optional<std::chrono::steady_clock::time_point>
      idle_since_{};  ///< nothing is captured, though something is wanted
  unsigned end_requests_ = 0;
  std::chrono::steady_clock::time_point watchdog_due_{};
  std::unique_ptr<MetricsServer> metrics_;
  std::chrono::steady_clock::time_point metrics_due_{};
};

}  // namespace ringtail::daemon
