// What another configuration changes while the daemon runs, and captures that cannot be started yet.
#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <unistd.h>
#include <utility>

#include "daemon.hpp"
#include "log.hpp"
#include "notify.hpp"
#include "obstacles.hpp"
#include "reload_plan.hpp"
#include "version.hpp"

namespace ringtail::daemon {

namespace {

constexpr std::chrono::seconds longest_retry{60};
constexpr std::chrono::seconds longest_idleness{10};

}  // namespace

/// Those that go on, and what those that end are to become.
std::vector<CaptureSettings> Daemon::running() const {
  std::vector<CaptureSettings> settings;
  for (const auto& [name, running] : captures_) {
    if (running.then) settings.push_back(running.then->settings);
    if (!running.then && !running.is_stopping) settings.push_back(running.capture->configuration());
  }
  return settings;
}

/// A configuration with a mistake changes nothing.
void Daemon::reload(const Report& report) {
  const auto refuse = [&report](const std::string& why) {
    report->add(make_error("reload the configuration", why, "nothing was changed").message());
  };
  if (end_requests_ > 0) return refuse("the daemon is about to end");
  notify("RELOADING=1");
  Configuration configuration = load_configuration(options_);
  std::vector<std::string>& mistakes = configuration.mistakes;
  // These a capture would find out only when the one before it has been stopped.
  if (mistakes.empty()) mistakes = find_obstacles(configuration, opener_);
  for (const std::string& mistake : mistakes) log(LogLevel::error, "", mistake);
  if (mistakes.empty()) carry_out_reload(configuration.settings, report);
  if (!mistakes.empty()) refuse(mistakes.front());
  notify("READY=1");
}

/// One that waits to be started is not wanted any more.
void Daemon::give_up(const std::string& name) {
  waiting_.erase(name);
  if (!captures_.contains(name)) control_.close(name);
}

void Daemon::carry_out_reload(const Settings& wanted, const Report& report) {
  std::set<std::string> unsettled;
  for (const auto& [name, running] : captures_) {
    if (!running.capture->is_settled()) unsettled.insert(name);
  }
  const ReloadPlan plan = plan_reload(running(), wanted.captures, unsettled);
  std::vector<std::string> unwanted;
  for (const auto& [name, waiting] : waiting_) {
    const auto is_it = [&name = name](const CaptureSettings& each) { return each.name == name; };
    if (std::ranges::none_of(wanted.captures, is_it)) unwanted.push_back(name);
  }
  for (const std::string& name : unwanted) give_up(name);
  for (const std::string& name : plan.stop) stop(captures_.at(name));
  for (const CaptureSettings& each : plan.change) {
    Running& running = captures_.at(each.name);
    if (running.then) {
      running.then = {each, report};
      continue;
    }
    running.capture->reconfigure(each, [report, name = each.name](const Result<void>& applied) {
      if (!applied) report->add(name + " goes on as it was: " + applied.error().message());
    });
  }
  for (const CaptureSettings& each : plan.restart) restart(each, report);
  for (const CaptureSettings& each : plan.start) begin_later(each, report);
  if (wanted.user != settings_.user || wanted.metrics != settings_.metrics ||
      wanted.run_directory != settings_.run_directory) {
    log(LogLevel::warning, "", "user, run_dir and metrics stay as they were until a restart");
  }
  set_log_level(wanted.log_level);
  settings_.access = wanted.access;
  log(LogLevel::info, "",
      fmt::format("reloaded: {} stopped, {} changed, {} restarted, {} new", plan.stop.size(), plan.change.size(),
                  plan.restart.size(), plan.start.size()));
}

/// It is stopped first, so that what it has is free; what it would be refused then is looked at before.
void Daemon::restart(const CaptureSettings& settings, const Report& report) {
  Running& running = captures_.at(settings.name);
  const std::string& directory = settings.storage.directory;
  if (!directory.empty() && directory != running.capture->configuration().storage.directory) {
    if (const auto checked = store::StorageDirectory::check(directory); !checked) {
      log(LogLevel::error, settings.name, "goes on as it was: " + checked.error().message());
      return report->add(settings.name + " goes on as it was: " + checked.error().message());
    }
  }
  stop(running);
  running.then = {settings, report};
}

// ---- Captures that are wanted and do not run -----------------------------------------------------------------------

/// At the next turn, and again until it succeeds.
void Daemon::begin_later(const CaptureSettings& settings, const Report& report) {
  Waiting& waiting = waiting_[settings.name];
  waiting = {.settings = settings, .report = report, .has_socket = waiting.has_socket};
}

void Daemon::begin_what_waits() {
  const auto now = std::chrono::steady_clock::now();
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    auto& [name, waiting] = *each;
    if (now < waiting.due || has_to_wait(waiting.settings)) {
      ++each;
      continue;
    }
    Result<void> begun;
    if (!waiting.has_socket) begun = control_.listen(settings_.run_directory, name);
    waiting.has_socket = begun.has_value();
    if (begun) begun = add_capture(waiting.settings);
    if (begun) {
      each = waiting_.erase(each);
      continue;
    }
    if (waiting.why != begun.error().message()) {
      waiting.why = begun.error().message();
      log(LogLevel::error, name, "cannot be started, and is tried again: " + waiting.why);
    }
    if (waiting.report) waiting.report->add(name + " cannot be started, and is tried again: " + waiting.why);
    waiting.report.reset();
    waiting.due = now + waiting.interval;
    waiting.interval = std::min(2 * waiting.interval, longest_retry);
    ++each;
  }
}

/// Its name, and ports that have one owner, may belong to one that has not ended yet.
bool Daemon::has_to_wait(const CaptureSettings& settings) const {
  return std::any_of(captures_.begin(), captures_.end(), [&](const auto& each) {
    const auto& [name, running] = each;
    const auto is_its_port = [&running = running](const std::string& device) {
      return device.starts_with("dpdk:") && std::ranges::count(running.capture->configuration().devices, device) != 0;
    };
    return name == settings.name || (running.is_stopping && std::ranges::any_of(settings.devices, is_its_port));
  });
}

/// Some things this process can never do again, with the privileges it has kept.
bool Daemon::has_given_up() {
  const auto now = std::chrono::steady_clock::now();
  if (!captures_.empty() || waiting_.empty()) {
    idle_since_.reset();
    return false;
  }
  if (!idle_since_) idle_since_ = now;
  if (now - *idle_since_ < longest_idleness) return false;
  log(LogLevel::error, "", "ends: nothing is captured, and what is wanted could not be started");
  return true;
}

control::CaptureStatus Daemon::status_of(const Waiting& waiting) {
  control::CaptureStatus status;
  status.name = waiting.settings.name;
  status.version = version();
  status.state = "failing";
  status.pid = ::getpid();
  status.filter = waiting.settings.open.filter;
  for (const std::string& device : waiting.settings.devices) {
    status.sources.push_back({.name = device, .present = false});
  }
  status.error = waiting.why.empty() ? "it is about to be started" : "it cannot be started: " + waiting.why;
  return status;
}

}  // namespace ringtail::daemon
