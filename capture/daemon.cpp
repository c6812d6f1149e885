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
    captures_[each.name] = {.capture = std::move(*capture)};
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
    log(LogLevel::info, name, what_it_does(running.capture->configuration()));
  }
  if (!settings_.metrics) return {};
  auto metrics = MetricsServer::start(*settings_.metrics);
  if (!metrics) return tl::unexpected(std::move(metrics.error()));
  metrics_ = std::move(*metrics);
  return {};
}

/// While the daemon runs already.
Result<void> Daemon::add_capture(const CaptureSettings& settings) {
  auto capture = Capture::open(settings, opener_);
  if (!capture) return tl::unexpected(std::move(capture.error()));
  if (auto started = (*capture)->start(); !started) return started;
  captures_[settings.name] = {.capture = std::move(*capture)};
  log(LogLevel::info, settings.name, what_it_does(settings));
  return {};
}

bool Daemon::run() {
  std::vector<pollfd> descriptors;
  while (!captures_.empty() || !waiting_.empty()) {
    descriptors.assign(1, {.fd = signals_.descriptor(), .events = POLLIN, .revents = 0});
    control_.add_to(descriptors);
    if (::poll(descriptors.data(), descriptors.size(), longest_sleep_ms) > 0) {
      while (const auto signal = signals_.next()) obey(*signal);
    }
    control_.serve(descriptors);
    remove_ended();
    begin_what_waits();
    if (has_given_up()) return false;
    keep_watchdog_quiet();
    show_metrics();
  }
  return true;
}

/// The first request ends the inflow and empties the rings; the second leaves them as they are; the third is for those
/// who do not even want to wait for the disk.
void Daemon::obey(int signal) {
  if (signal == SIGUSR1) return log_statistics();
  if (signal == SIGUSR2) return dump_all();
  if (signal == SIGHUP) {
    return reload(std::make_shared<ReloadReport>([](const auto&) {}));  // the log has it all
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
    if (running.capture->configuration().flight)
      running.capture->dump({.why = "SIGUSR2"}, [](const control::Answer&) {});
  }
}

void Daemon::stop_all() {
  notify("STOPPING=1");
  log(LogLevel::info, "", "ends: what is in the rings is still written");
  waiting_.clear();
  for (auto& [name, running] : captures_) stop(running);
}

void Daemon::stop(Running& running) {
  running.then.reset();
  running.is_stopping = true;
  running.capture->stop();
}

/// What a capture has given up, another may be waiting for.
void Daemon::remove_ended() {
  for (auto each = captures_.begin(); each != captures_.end();) {
    if (!each->second.capture->has_ended()) {
      ++each;
      continue;
    }
    if (auto& then = each->second.then) begin_later(then->settings, then->report);
    const auto next = waiting_.find(each->first);
    if (next == waiting_.end()) control_.close(each->first);
    if (next != waiting_.end()) next->second.has_socket = true;
    each = captures_.erase(each);
    for (auto& [name, waiting] : waiting_) waiting.due = {};
  }
}

// ---- Questions -----------------------------------------------------------------------------------------------------

void Daemon::answer(const Question& question) {
  const control::Operation operation = question.request.operation;
  if (!may(question.peer, operation, settings_.access, ::geteuid())) {
    refusals_.tell(question.capture, question.peer, control::name_of(operation));
    return control_.answer(question.client, {.error = fmt::format("you (uid {}) may not {} here", question.peer.uid,
                                                                  control::name_of(operation))});
  }
  if (operation == control::Operation::reload) {
    log(LogLevel::info, question.capture, fmt::format("uid {} asks for reload", question.peer.uid));
    return reload(report_to(question.client));
  }
  const auto found = captures_.find(question.capture);
  if (found == captures_.end()) return control_.answer(question.client, answer_without_capture(question));
  Capture& capture = *found->second.capture;
  switch (operation) {
    case control::Operation::stat:
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
  stop(captures_.at(question.capture));
  return {};
}

/// Who asks for a reload is answered when it is over.
Daemon::Report Daemon::report_to(std::uint64_t client) {
  return std::make_shared<ReloadReport>([this, client](const std::vector<std::string>& problems) {
    control::Answer answer;
    if (!problems.empty()) answer.error = fmt::format("{}", fmt::join(problems, "; "));
    control_.answer(client, answer);
  });
}

/// It may be one that is still to be started, or there was one.
control::Answer Daemon::answer_without_capture(const Question& question) {
  const auto found = waiting_.find(question.capture);
  if (found == waiting_.end()) return {.error = "the capture has ended"};
  const control::CaptureStatus status = status_of(found->second);
  switch (question.request.operation) {
    case control::Operation::stat:
      return {.status = status};
    case control::Operation::stop:
      give_up(question.capture);
      return {};
    default:
      return {.error = status.error};
  }
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
  for (const auto& [name, waiting] : waiting_) {
    if (!captures_.contains(name)) captures.push_back(status_of(waiting));
  }
  metrics_->show(std::move(captures));
}

void Daemon::log_statistics() const {
  for (const auto& [name, running] : captures_) {
    log(LogLevel::info, name, control::to_json_text(running.capture->status()));
  }
}

}  // namespace ringtail::daemon
