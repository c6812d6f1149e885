// Setting a capture up: sources, files, places; then root is given up.
#include <cerrno>

#include "base/affinity.hpp"
#include "capture_session.hpp"
#include "output_path.hpp"
#include "privileges.hpp"

namespace ringtail::tools {

namespace {

using std::chrono::milliseconds;

/// So long may a worker sleep: it has to look at the clock for the recorder, and at a request to end.
constexpr milliseconds longest_worker_wait{100};

/// The rings of one interface, one for each thread.
Result<std::vector<Source>> open_rings(const InterfaceOptions& interface, std::uint16_t threads) {
  if (threads > 1) return open_fanout(interface.device, interface.open, threads);
  auto source = open(interface.device, interface.open);
  if (!source) return tl::unexpected(std::move(source.error()));
  std::vector<Source> rings;
  rings.push_back(std::move(*source));
  return rings;
}

/// By thread: its ring of each interface.
Result<std::vector<std::vector<Source>>> open_sources(const CaptureOptions& options) {
  std::vector<std::vector<Source>> by_thread(options.threads);
  for (InterfaceOptions interface : options.interfaces) {
    if (options.fanout) interface.open.fanout = Fanout{.mode = *options.fanout};
    auto rings = open_rings(interface, options.threads);
    if (!rings) return tl::unexpected(std::move(rings.error()));
    for (std::size_t thread = 0; thread < by_thread.size(); ++thread) {
      by_thread[thread].push_back(std::move((*rings)[thread]));
    }
  }
  return by_thread;
}

/// One thread runs where the scheduler likes it. Several are spread over the CPUs beside the interface.
std::vector<int> choose_cpus(const CaptureOptions& options) {
  if (!options.cpus.empty()) return options.cpus;
  const InterfaceOptions& first = options.interfaces.front();
  int node = first.open.numa_node;
  if (options.threads == 1 || node == numa_off) return {};
  if (node == numa_automatic) node = base::device_numa_node(first.device);
  return base::cpus_of_node(node);
}

}  // namespace

Result<std::unique_ptr<CaptureSession>> CaptureSession::open(const CaptureOptions& options, bool recording) {
  std::optional<base::User> user;
  if (!options.user.empty()) {
    auto found = base::find_user(options.user);
    if (!found) return tl::unexpected(std::move(found.error()));
    user = std::move(*found);
  }
  ignore_write_signals();
  base::WakeEvent bell = base::WakeEvent::create();
  if (!bell.is_open()) return tl::unexpected(system_error("set up the capture", errno));
  std::unique_ptr<CaptureSession> session(new CaptureSession(options, std::move(bell)));
  if (auto opened = session->open_workers(recording); !opened) return tl::unexpected(std::move(opened.error()));
  if (user) {
    if (auto became = become(*user); !became) return tl::unexpected(std::move(became.error()));
  }
  return session;
}

CaptureSession::CaptureSession(const CaptureOptions& options, base::WakeEvent bell)
    : options_(options),
      commons_{.budget = PacketBudget(options.stop_after_packets),
               .bell = std::move(bell),
               .longest_wait = std::min<std::chrono::nanoseconds>(options.output.flush_interval, longest_worker_wait)},
      cpus_(choose_cpus(options)) {}

Result<void> CaptureSession::open_workers(bool recording) {
  auto sources = open_sources(options_);
  if (!sources) return tl::unexpected(std::move(sources.error()));
  // Opening may take its time and be interrupted; from the first packet on, and with a file there, the end is orderly.
  auto signals = SignalQueue::create();
  if (!signals) return tl::unexpected(std::move(signals.error()));
  signals_.emplace(std::move(*signals));
  const bool shares_file = options_.one_file && options_.threads > 1;
  for (std::size_t thread = 0; thread < sources->size(); ++thread) {
    std::optional<RecorderOptions> output;
    if (recording && !shares_file) output = options_.output;
    if (output && options_.threads > 1) output->path = path_of_thread(output->path, static_cast<unsigned>(thread));
    auto worker = CaptureWorker::create(commons_, std::move((*sources)[thread]), output);
    if (!worker) return tl::unexpected(std::move(worker.error()));
    workers_.push_back(std::move(*worker));
  }
  return recording && shares_file ? open_shared_recorder() : Result<void>{};
}

Result<void> CaptureSession::open_shared_recorder() {
  std::vector<const Source*> sources;
  for (const auto& worker : workers_) {
    for (const Source& source : worker->sources()) sources.push_back(&source);
  }
  auto recorder = SharedRecorder::create(commons_, options_.output, sources, workers_.size());
  if (!recorder) return tl::unexpected(std::move(recorder.error()));
  shared_recorder_ = std::move(*recorder);
  std::uint16_t first_id = 0;
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
    workers_[worker]->write_to(*shared_recorder_, worker, first_id);
    first_id = static_cast<std::uint16_t>(first_id + workers_[worker]->sources().size());
  }
  return {};
}

std::optional<int> CaptureSession::cpu_of(std::size_t worker) const {
  if (cpus_.empty()) return std::nullopt;
  return cpus_[worker % cpus_.size()];
}

}  // namespace ringtail::tools
