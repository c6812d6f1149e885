// How a capture is doing, from what its workers publish.
#include <algorithm>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture.hpp"
#include "version.hpp"

namespace ringtail::daemon {

namespace {

constexpr double longest_silence_seconds = 5;

/// How long the quietest worker, or its writer, has shown nothing. They do five times a second, unless something makes
/// them wait.
double silence_of(const std::vector<WorkerFigures>& workers) {
  const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
  std::chrono::nanoseconds longest{};
  for (const WorkerFigures& worker : workers) {
    for (const std::int64_t shown_at_ns : {worker.shown_at_ns, worker.written_at_ns}) {
      if (shown_at_ns != 0) longest = std::max(longest, now - std::chrono::nanoseconds(shown_at_ns));
    }
  }
  return std::chrono::duration<double>(longest).count();
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

control::CaptureStatus Capture::status() const {
  std::vector<WorkerFigures> workers;
  for (const auto& worker : workers_) workers.push_back(worker->figures());
  control::CaptureStatus status;
  status.name = name_;
  status.version = version();
  status.pid = ::getpid();
  status.elapsed_seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
  add_sources(status, workers);
  add_recorded(status, workers);
  add_storage(status);
  if (flight_) add_flight(status, workers);
  add_state(status, workers);
  if (lender_) status.share = lender_->status();
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  status.user_seconds = seconds(usage.ru_utime);
  status.system_seconds = seconds(usage.ru_stime);
  return status;
}

void Capture::add_sources(control::CaptureStatus& status, const std::vector<WorkerFigures>& workers) const {
  const std::lock_guard lock(mutex_);
  status.filter = settings_.open.filter;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    Stats total;
    control::SourceStatus& source = status.sources.emplace_back();
    for (const WorkerFigures& worker : workers) {
      total.add_member(worker.slots[slot].stats);
      source.most_unread = std::max(source.most_unread, worker.slots[slot].most_unread);
    }
    source.name = slots_[slot].device;
    source.present = !slots_[slot].rings.empty();
    source.backend = source.name.starts_with("dpdk:") ? "dpdk" : "tpacket";
    source.received = total.received;
    source.delivered = total.delivered;
    source.dropped_ring = total.dropped_ring;
    source.unread = total.unread;
    source.dropped_interface = total.dropped_interface;
    source.freezes = total.freezes;
    source.truncated = total.truncated;
    source.malformed = total.malformed;
    source.lost = slots_[slot].lost;
    status.delivered += total.delivered;
  }
}

void Capture::add_recorded(control::CaptureStatus& status, const std::vector<WorkerFigures>& workers) const {
  for (const WorkerFigures& worker : workers) {
    status.recorded += worker.recorded;
    status.discarded_paused += worker.discarded_paused;
    status.late_packets += worker.late_packets;
    status.waiting_packets += worker.waiting_packets;
    if (!worker.writer.view().empty()) status.writer = worker.writer.view();
  }
  const std::lock_guard lock(mutex_);
  status.recorded += recorded_aside_;
  const LatencyHistogram& latency = status.recorded.write_latency;
  status.write_latency = {.chunks = latency.count(),
                          .p50_seconds = latency.quantile_seconds(0.5),
                          .p99_seconds = latency.quantile_seconds(0.99)};
  if (!dump_writer_.empty()) status.writer = dump_writer_;
}

void Capture::add_flight(control::CaptureStatus& status, const std::vector<WorkerFigures>& workers) const {
  control::FlightStatus& flight = status.flight;
  flight.seconds = std::chrono::duration<double>(flight_->age).count();
  for (const WorkerFigures& worker : workers) {
    flight.held_packets += worker.held_packets;
    flight.held_bytes += worker.held_bytes;
    flight.held_seconds = std::max(flight.held_seconds, static_cast<double>(worker.held_ns) / 1e9);
    flight.expired_packets += worker.expired_packets;
  }
  const std::lock_guard lock(mutex_);
  const FlightLimits limits = flight_limits(settings_);
  const std::uint64_t most = std::min<std::uint64_t>(limits.blocks * settings_.open.block_bytes, limits.bytes);
  flight.held_limit_bytes = most * workers_.size() * slots_.size();
  flight.held_packets += dumping_packets_;
  flight.dumps = dumps_;
  flight.dumps_failed = dumps_failed_;
  flight.triggers = triggers_;
}

void Capture::add_storage(control::CaptureStatus& status) const {
  std::shared_ptr<store::StorageDirectory> storage;
  store::StorageOptions options;
  {
    const std::lock_guard lock(mutex_);
    storage = storage_;
    options = settings_.storage;
  }
  if (storage == nullptr) return;
  const store::StorageFigures figures = storage->figures();
  status.storage.directory = options.directory;
  status.storage.file = figures.newest;
  status.storage.files = figures.files;
  status.storage.bytes = figures.bytes;
  status.storage.files_deleted = figures.deleted;
  status.storage.quota_bytes = options.quota.bytes.value_or(0);
  status.storage.free_percent = storage->free_percent();
  if (options.compression == store::Compression::none) return;
  status.storage.compression = {.enabled = true,
                                .files = figures.compression.files,
                                .input_bytes = figures.compression.input_bytes,
                                .output_bytes = figures.compression.output_bytes,
                                .waiting_files = figures.compression.waiting_files,
                                .waiting_bytes = figures.compression.waiting_bytes};
}

void Capture::add_state(control::CaptureStatus& status, const std::vector<WorkerFigures>& workers) const {
  const std::lock_guard lock(mutex_);
  const auto is_paused = [](const WorkerFigures& worker) { return worker.is_paused; };
  const auto has_failed = [](const WorkerFigures& worker) { return !worker.failure.view().empty(); };
  status.state = "running";
  if (std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.rings.empty(); })) {
    status.state = "waiting";
  }
  if (std::any_of(workers.begin(), workers.end(), is_paused)) status.state = "paused";
  if (!problem_.empty()) status.state = "failing";
  status.error = problem_;
  for (const WorkerFigures& worker : workers) {
    if (!has_failed(worker)) continue;
    status.state = "failing";
    status.error = worker.failure.view();
  }
  if (std::any_of(workers.begin(), workers.end(), [](const WorkerFigures& worker) { return worker.is_blind; })) {
    status.state = "failing";
    status.error = blind_worker;
  }
  if (has_ended()) {
    status.state = "ended";
    return;
  }
  status.silent_seconds = silence_of(workers);
  if (status.silent_seconds < longest_silence_seconds) return;
  status.state = "stalled";
  status.error = fmt::format("a worker has not been heard of for {:.0f} s: the disk keeps it waiting, or the processor",
                             status.silent_seconds);
}

}  // namespace ringtail::daemon
