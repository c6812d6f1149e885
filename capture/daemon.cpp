#include "daemon.hpp"

#include <cerrno>
#include <csignal>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "access.hpp"
#include "log.hpp"
#include "notify.hpp"
#include "reload_plan.hpp"
#include "share/message.hpp"

namespace ringtail::daemon {

namespace {

constexpr int longest_sleep_ms = 200;

std::string what_it_does(const CaptureSettings& settings) {
  if (settings.flight) {
    const std::chrono::duration<double> age = settings.flight->age;
    return fmt::format("keeps the last {:g} s in its rings; packets wait there up to {} ms before anybody sees them",
                       age.count(), settings.open.retire_timeout.count());
  }
  return settings.writes_files() ? "captures into " + settings.storage.directory : "captures, and writes nothing";
}

/// One that is made here belongs to whom the daemon becomes: sockets come and go there.
Result<void> make_run_directory(const std::string& path, const std::optional<base::User>& user) {
  if (::mkdir(path.c_str(), 0755) == 0) {
    if (!user || ::chown(path.c_str(), user->uid, user->gid) == 0) return {};
  } else if (errno == EEXIST) {
    return {};
  }
  return tl::unexpected(system_error("make the run directory " + path, errno, path, "choose another with --run-dir"));
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::start(const Options& options, const Settings& settings) {
  auto signals = Signals::take_over();
  if (!signals) return tl::unexpected(std::move(signals.error()));
  std::optional<base::User> user;
  if (!settings.user.empty()) {
    auto found = base::find_user(settings.user);
    if (!found) return tl::unexpected(std::move(found.error()));
    user = std::move(*found);
  }
  auto made = make_run_directory(settings.run_directory, user);
  if (!made) return tl::unexpected(std::move(made.error()));
  std::unique_ptr<Daemon> daemon(new Daemon(options, settings, std::move(*signals)));
  auto started = daemon->open_captures().and_then([&] { return daemon->give_up_privileges(user); }).and_then([&] {
    return daemon->start_captures();
  });
  if (!started) return tl::unexpected(std::move(started.error()));
  notify("READY=1");
  return daemon;
}

Daemon::Daemon(Options options, Settings settings, Signals signals)
    : options_(std::move(options)),
      settings_(std::move(settings)),
      signals_(std::move(signals)),
      control_([this](const Question& question) { answer(question); },
               [this](Attachment attachment) { attach(std::move(attachment)); }) {}

/// All names first, then all sources, and files only when those are open: a mistake costs nobody a file.
Result<void> Daemon::open_captures() {
  for (const CaptureSettings& each : settings_.captures) {
    if (auto listening = control_.listen(settings_.run_directory, each.name); !listening) return listening;
  }
  for (const CaptureSettings& each : settings_.captures) {
    auto capture = Capture::open(each, opener_);
    if (!capture) return tl::unexpected(std::move(capture.error()));
    captures_[each.name] = {.capture = std::move(*capture), .settings = each, .then = {}};
  }
  return {};
}

Result<void> Daemon::give_up_privileges(const std::optional<base::User>& user) {
  PrivilegesToKeep keep{.user = user, .writable_directories = {settings_.run_directory}};
  for (const CaptureSettings& each : settings_.captures) {
    if (!each.storage.directory.empty()) keep.writable_directories.push_back(each.storage.directory);
    for (const std::string& device : each.devices) keep.uses_dpdk = keep.uses_dpdk || device.starts_with("dpdk:");
  }
  return drop_privileges(keep, opener_);
}

Result<void> Daemon::start_captures() {
  for (auto& [name, running] : captures_) {
    if (auto started = running.capture->start(); !started) return started;
    log(LogLevel::info, name, what_it_does(running.settings));
  }
  if (!settings_.metrics) return {};
  auto metrics = MetricsServer::start(*settings_.metrics);
  if (!metrics) return tl::unexpected(std::move(metrics.error()));
  metrics_ = std::move(*metrics);
  return {};
}

/// While the daemon runs already.
Result<void> Daemon::add_capture(const CaptureSettings& settings) {
  if (auto listening = control_.listen(settings_.run_directory, settings.name); !listening) return listening;
  auto capture = Capture::open(settings, opener_);
  Result<void> started;
  if (capture) started = (*capture)->start();
  if (!capture || !started) {
    control_.close(settings.name);
    return tl::unexpected(capture ? started.error() : capture.error());
  }
  captures_[settings.name] = {.capture = std::move(*capture), .settings = settings, .then = {}};
  log(LogLevel::info, settings.name, what_it_does(settings));
  return {};
}

void Daemon::run() {
  std::vector<pollfd> descriptors;
  while (!captures_.empty()) {
    descriptors.assign(1, {.fd = signals_.descriptor(), .events = POLLIN, .revents = 0});
    control_.add_to(descriptors);
    if (::poll(descriptors.data(), descriptors.size(), longest_sleep_ms) > 0) {
      while (const auto signal = signals_.next()) obey(*signal);
      control_.serve(descriptors);
    }
    remove_ended();
    keep_watchdog_quiet();
    show_metrics();
  }
}

/// The first request ends the inflow and empties the rings; the second leaves them as they are; the third is for those
/// who do not even want to wait for the disk.
void Daemon::obey(int signal) {
  if (signal == SIGUSR1) return log_statistics();
  if (signal == SIGUSR2) return dump_all();
  if (signal == SIGHUP) {
    if (auto reloaded = reload(); !reloaded) log(LogLevel::error, "", reloaded.error().message());
    return;
  }
  switch (++end_requests_) {
    case 1:
      return stop_all();
    case 2:
      for (auto& [name, running] : captures_) running.capture->abandon();
      return;
    default:
      ::_exit(1);
  }
}

/// Into their storage; whoever has none says so in the log.
void Daemon::dump_all() {
  for (auto& [name, running] : captures_) {
    if (running.settings.flight) running.capture->dump({.why = "SIGUSR2"}, [](const control::Answer&) {});
  }
}

void Daemon::stop_all() {
  notify("STOPPING=1");
  log(LogLevel::info, "", "ends: what is in the rings is still written");
  for (auto& [name, running] : captures_) {
    running.then.reset();
    running.capture->stop();
  }
}

void Daemon::remove_ended() {
  for (auto each = captures_.begin(); each != captures_.end();) {
    if (!each->second.capture->has_ended()) {
      ++each;
      continue;
    }
    const std::optional<CaptureSettings> then = std::move(each->second.then);
    const std::string name = each->first;
    each = captures_.erase(each);
    control_.close(name);
    if (!then) continue;
    if (auto added = add_capture(*then); !added) log(LogLevel::error, name, added.error().message());
    each = captures_.begin();  // it may have come before those we were to look at
  }
}

// ---- Questions -----------------------------------------------------------------------------------------------------

void Daemon::answer(const Question& question) {
  const auto found = captures_.find(question.capture);
  if (found == captures_.end()) return control_.answer(question.client, {.error = "the capture has ended"});
  Capture& capture = *found->second.capture;
  const control::Operation operation = question.request.operation;
  if (!may(question.peer, operation, settings_.access, ::geteuid())) {
    log(LogLevel::warning, question.capture,
        fmt::format("uid {} (pid {}) may not {}", question.peer.uid, question.peer.pid, control::name_of(operation)));
    return control_.answer(question.client, {.error = fmt::format("you (uid {}) may not {} here", question.peer.uid,
                                                                  control::name_of(operation))});
  }
  switch (operation) {
    case control::Operation::stat:
    case control::Operation::reload:
    case control::Operation::stop:
      return control_.answer(question.client, answer_at_once(question, capture));
    case control::Operation::dump:
      return capture.dump(
          {.last_seconds = question.request.last_seconds,
           .file = question.file,
           .why = fmt::format("uid {} asked for it", question.peer.uid)},
          [this, client = question.client](const control::Answer& answer) { control_.answer(client, answer); });
    default:
      capture.request(question.request, [this, client = question.client](const control::Answer& answer) {
        control_.answer(client, answer);
      });
  }
}

void Daemon::attach(Attachment attachment) {
  const auto found = captures_.find(attachment.capture);
  if (found != captures_.end()) {
    return found->second.capture->welcome(std::move(attachment.socket), attachment.peer);
  }
  share::send_refusal(attachment.socket.get(), "the capture has ended");
}

control::Answer Daemon::answer_at_once(const Question& question, Capture& capture) {
  if (question.request.operation == control::Operation::stat) return {.status = capture.status()};
  log(LogLevel::info, question.capture,
      fmt::format("uid {} asks for {}", question.peer.uid, control::name_of(question.request.operation)));
  if (question.request.operation == control::Operation::stop) {
    captures_.at(question.capture).then.reset();
    capture.stop();
    return {};
  }
  if (auto reloaded = reload(); !reloaded) return {.error = reloaded.error().message()};
  return {};
}

// ---- Another configuration -----------------------------------------------------------------------------------------

std::vector<CaptureSettings> Daemon::running() const {
  std::vector<CaptureSettings> settings;
  for (const auto& [name, running] : captures_) settings.push_back(running.then.value_or(running.settings));
  return settings;
}

/// A configuration with a mistake changes nothing.
Result<void> Daemon::reload() {
  notify("RELOADING=1");
  const Configuration configuration = load_configuration(options_);
  for (const std::string& mistake : configuration.mistakes) log(LogLevel::error, "", mistake);
  if (configuration.mistakes.empty()) carry_out_reload(configuration.settings);
  notify("READY=1");
  if (configuration.mistakes.empty()) return {};
  return tl::unexpected(make_error("reload the configuration", configuration.mistakes.front(), "nothing was changed"));
}

void Daemon::carry_out_reload(const Settings& wanted) {
  const ReloadPlan plan = plan_reload(running(), wanted.captures);
  for (const std::string& name : plan.stop) {
    captures_.at(name).then.reset();
    captures_.at(name).capture->stop();
  }
  for (const CaptureSettings& each : plan.change) {
    Running& running = captures_.at(each.name);
    if (running.then) {
      running.then = each;
    } else {
      running.capture->reconfigure(each);
      running.settings = each;
    }
  }
  for (const CaptureSettings& each : plan.restart) {
    captures_.at(each.name).then = each;
    captures_.at(each.name).capture->stop();
  }
  for (const CaptureSettings& each : plan.start) {
    if (auto added = add_capture(each); !added) log(LogLevel::error, each.name, added.error().message());
  }
  if (wanted.user != settings_.user || wanted.metrics != settings_.metrics ||
      wanted.run_directory != settings_.run_directory) {
    log(LogLevel::warning, "", "user, run_dir and metrics stay as they were until a restart");
  }
  settings_.access = wanted.access;
  log(LogLevel::info, "",
      fmt::format("reloaded: {} stopped, {} changed, {} restarted, {} new", plan.stop.size(), plan.change.size(),
                  plan.restart.size(), plan.start.size()));
}

// ---- Signs of life -------------------------------------------------------------------------------------------------

void Daemon::keep_watchdog_quiet() {
  const auto interval = watchdog_interval();
  const auto now = std::chrono::steady_clock::now();
  if (!interval || now < watchdog_due_) return;
  watchdog_due_ = now + *interval / 3;
  notify("WATCHDOG=1");
}

void Daemon::show_metrics() {
  const auto now = std::chrono::steady_clock::now();
  if (metrics_ == nullptr || now < metrics_due_) return;
  metrics_due_ = now + std::chrono::seconds(1);
  std::vector<control::CaptureStatus> captures;
  for (const auto& [name, running] : captures_) captures.push_back(running.capture->status());
  metrics_->show(std::move(captures));
}

void Daemon::log_statistics() const {
  for (const auto& [name, running] : captures_) {
    log(LogLevel::info, name, control::to_json_text(running.capture->status()));
  }
}

}  // namespace ringtail::daemon
