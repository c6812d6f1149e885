#include "capture_session.hpp"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <poll.h>
#include <set>

#include "base/deadline.hpp"
#include "report.hpp"

namespace ringtail::tools {

namespace {

using base::Deadline;
using std::chrono::nanoseconds;

constexpr nanoseconds longest_sleep = std::chrono::minutes(1);

}  // namespace

void CaptureSession::run(const Periodic& periodic) {
  const auto begin = Deadline::Clock::now();
  const auto seconds_so_far = [begin] { return std::chrono::duration<double>(Deadline::Clock::now() - begin).count(); };
  Deadline end = Deadline::after(options_.stop_after_duration.value_or(nanoseconds(-1)));
  Deadline next_act = Deadline::after(periodic.period);
  if (shared_recorder_) shared_recorder_->start();
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) workers_[worker]->start(cpu_of(worker));
  while (!has_ended()) {
    wait(next_act.remaining(end.remaining(longest_sleep)));
    while (const auto signal = signals_->next()) obey(*signal);
    if (end.has_passed()) {
      stop_all();
      end = Deadline::never();
    }
    if (next_act.has_passed()) {
      elapsed_seconds_ = seconds_so_far();
      if (!periodic.act(*this)) stop_all();
      next_act = Deadline::after(periodic.period);
    }
    follow_ended_workers();
  }
  for (const auto& worker : workers_) worker->join();
  if (shared_recorder_) shared_recorder_->join();
  elapsed_seconds_ = seconds_so_far();
}

/// Sleeps until a signal has arrived, a worker has ended, or `longest` is over.
void CaptureSession::wait(nanoseconds longest) const {
  pollfd descriptors[] = {{.fd = signals_->descriptor(), .events = POLLIN, .revents = 0},
                          {.fd = commons_.bell.descriptor(), .events = POLLIN, .revents = 0}};
  const timespec timeout{.tv_sec = longest / std::chrono::seconds(1),
                         .tv_nsec = (longest % std::chrono::seconds(1)).count()};
  if (ppoll(descriptors, std::size(descriptors), &timeout, nullptr) <= 0) return;
  if (descriptors[1].revents != 0) commons_.bell.drain();
}

/// The first request ends the inflow and empties the rings; the second leaves them as they are; the third is for those
/// who do not even want to wait for the disk.
void CaptureSession::obey(int signal) {
  if (signal == SIGUSR1) return tell(statistics_text(source_summaries()));
  switch (++end_requests_) {
    case 1:
      return stop_all();
    case 2:
      return abandon_all();
    default:
      die_of(signal);
  }
}

void CaptureSession::stop_all() {
  for (const auto& worker : workers_) worker->stop();
}

void CaptureSession::abandon_all() {
  for (const auto& worker : workers_) worker->abandon();
}

/// A limit holds for all workers together and ends them at once; after a failure what is in the rings is still taken.
void CaptureSession::follow_ended_workers() {
  for (const auto& worker : workers_) {
    if (!worker->has_ended()) continue;
    if (worker->end() == WorkerEnd::limit) return abandon_all();
    if (worker->end() == WorkerEnd::failed) return stop_all();
  }
}

bool CaptureSession::has_ended() const {
  if (shared_recorder_ && !shared_recorder_->has_ended()) return false;
  return std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->has_ended(); });
}

std::vector<SourceSummary> CaptureSession::source_summaries() const {
  std::vector<SourceSummary> summaries(options_.interfaces.size());
  for (const auto& worker : workers_) {
    const std::vector<Source>& sources = worker->sources();
    for (std::size_t index = 0; index < sources.size(); ++index) {
      summaries[index].name = sources[index].name();
      summaries[index].backend = sources[index].backend();
      summaries[index].stats.add_member(sources[index].stats());
      add(summaries[index].counters, sources[index].counters());
    }
  }
  return summaries;
}

Summary CaptureSession::summary() const {
  Summary summary;
  summary.elapsed_seconds = elapsed_seconds_;
  summary.sources = source_summaries();
  for (const auto& worker : workers_) {
    add(summary.written, worker->written());
    if (!summary.error) summary.error = worker->failure();
  }
  if (shared_recorder_) {
    add(summary.written, shared_recorder_->written());
    if (!summary.error) summary.error = shared_recorder_->failure();
  }
  summary.usage = ProcessUsage::now();
  return summary;
}

bool CaptureSession::mixes_link_types() const {
  std::set<std::uint16_t> link_types;
  for (const auto& worker : workers_) {
    for (const Source& source : worker->sources()) {
      for (std::uint16_t id = 0; id < source.interface_count(); ++id) link_types.insert(source.interface(id).link_type);
    }
  }
  return link_types.size() > 1;
}

std::string statistics_text(const std::vector<SourceSummary>& sources) {
  std::string text;
  for (const SourceSummary& source : sources) {
    const Stats& stats = source.stats;
    text += fmt::format("{}: {} received, {} delivered, {} dropped by the ring, {} by the interface\n", source.name,
                        stats.received, stats.delivered, stats.dropped_ring, stats.dropped_interface);
  }
  return text;
}

}  // namespace ringtail::tools
