// What goes wrong while a capture runs, and how it comes right again.
#include <algorithm>
#include <fmt/format.h>
#include <poll.h>
#include <thread>
#include <utility>

#include "capture.hpp"
#include "log.hpp"

namespace ringtail::daemon {

namespace {

using namespace std::chrono_literals;

// How often an interface that is away is looked for. The kernel tells when there may be one; asking by the clock is for
// what it does not tell of, and for kernels that tell nothing.
constexpr auto look_interval = 1s;
constexpr auto look_interval_without_news = 200ms;
constexpr auto quota_interval = 5s;
constexpr auto first_retry = 1s;
constexpr auto longest_retry = 60s;
constexpr auto longest_drain = 30s;

bool knows_interface(const Source& source, std::uint32_t index) {
  for (std::uint16_t id = 0; id < source.interface_count(); ++id) {
    if (source.interface(id).index == index) return true;
  }
  return false;
}

}  // namespace

void Capture::wait_for_something() {
  pollfd readable[] = {{.fd = bell_.descriptor(), .events = POLLIN, .revents = 0},
                       {.fd = links_ ? links_->pollable_descriptor() : -1, .events = POLLIN, .revents = 0}};
  std::chrono::milliseconds longest = links_ ? look_interval : look_interval_without_news;
  if (trigger_stage_ != TriggerStage::armed) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(trigger_due_ - Clock::now());
    longest = std::clamp<std::chrono::milliseconds>(left, 0ms, longest);
  }
  if (::poll(readable, 2, static_cast<int>(longest.count())) > 0) bell_.drain();
}

void Capture::look_after() {
  look_after_interfaces();
  look_after_workers();
  look_after_trigger();
  if (settings_.writes_files()) look_after_outputs();
  if (storage_ == nullptr) return;
  storage_->measure_room();  // here, for who asks for it must not wait
  if (Clock::now() < quota_due_) return;
  quota_due_ = Clock::now() + quota_interval;
  look_after_quota();  // age and free space do not wait for the next file
}

/// What cannot be deleted is told of once, and tried again.
void Capture::look_after_quota() {
  const auto enforced = storage_->enforce_quota();
  const std::string problem = enforced ? "" : enforced.error().message();
  if (problem != quota_problem_ && !problem.empty()) log(LogLevel::error, name_, problem);
  quota_problem_ = problem;
}

/// They help themselves; here it is only told.
void Capture::look_after_workers() {
  const bool is_blind =
      std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->figures().is_blind; });
  if (is_blind == std::exchange(has_blind_worker_, is_blind)) return;
  if (is_blind) return log(LogLevel::error, name_, blind_worker);
  log(LogLevel::info, name_, "waits for packets again");
}

void Capture::note(const std::string& problem) {
  {
    const std::lock_guard lock(mutex_);
    if (problem_ == problem) return;
    problem_ = problem;
  }
  if (!problem.empty()) log(LogLevel::error, name_, problem);
}

// ---- Interfaces ----------------------------------------------------------------------------------------------------

bool Capture::has_ended(std::size_t slot) const {
  return std::all_of(workers_.begin(), workers_.end(),
                     [slot](const auto& worker) { return worker->figures().slots[slot].has_ended; });
}

/// What happens to an interface while its ring lives is told in the log and between the packets in the file.
void Capture::hear_of_links() {
  if (!links_) return;
  for (const LinkEvent& event : link_history_.take(links_->take(), Clock::now())) {
    for (std::size_t index = 0; index < slots_.size(); ++index) {
      const Slot& slot = slots_[index];
      if (slot.rings.empty()) {
        if (event.name == slot.device) look_due_ = {};
        continue;
      }
      if (event.kind == LinkEvent::Kind::gone || !knows_interface(*slot.rings.front(), event.index)) continue;
      log(LogLevel::warning, name_, event.text);
      for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
        (void)tell(worker,
                   {.kind = Order::Kind::note, .slot = index, .interface_index = event.index, .text = event.text});
      }
    }
  }
}

void Capture::look_after_interfaces() {
  hear_of_links();
  std::vector<std::size_t> back;
  for (std::size_t index = 0; index < slots_.size(); ++index) {
    Slot& slot = slots_[index];
    if (!slot.rings.empty() && has_ended(index)) {
      const Error* why = slot.rings.front()->failure();
      log(LogLevel::warning, name_, why != nullptr ? why->reason : slot.device + " went away");
      const std::lock_guard lock(mutex_);
      slot.rings.clear();  // the workers keep theirs until there are others
      slot.gone_since = Clock::now();
      ++slot.lost;
      look_due_ = {};
    }
  }
  if (Clock::now() >= look_due_) {
    look_due_ = Clock::now() + (links_ ? std::chrono::milliseconds(look_interval) : look_interval_without_news);
    for (std::size_t index = 0; index < slots_.size(); ++index) {
      if (slots_[index].rings.empty() && open_slot(index)) back.push_back(index);
    }
  }
  if (!back.empty()) bring_back(back, "was away");
}

/// Any error means "not yet": the interface may be half way into existence.
bool Capture::open_slot(std::size_t slot) {
  auto rings = opener_.open(slots_[slot].device, open_options(slots_[slot].device), settings_.threads);
  if (!rings) {
    if (!is_missing_interface(rings.error())) note(rings.error().message());
    return false;
  }
  const std::lock_guard lock(mutex_);
  slots_[slot].rings = std::move(*rings);
  return true;
}

/// The gap is told in the log and in the file that begins after it.
void Capture::bring_back(const std::vector<std::size_t>& slots, const std::string& why) {
  std::string comment;
  for (const std::size_t slot : slots) {
    const std::chrono::duration<double> gap = Clock::now() - std::max(slots_[slot].gone_since, begun_);
    comment +=
        fmt::format("{}gap of {:.3f} s on {}: {}", comment.empty() ? "" : "; ", gap.count(), slots_[slot].device, why);
  }
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) install(worker, comment);
  log(LogLevel::info, name_, comment);
}

/// The old sources end and are emptied before the new ones begin: no packet is in two files, and the gap is told.
void Capture::exchange_sources(const std::string& why) {
  for (const Slot& slot : slots_) {
    for (const auto& ring : slot.rings) ring->stop();
  }
  const auto latest = Clock::now() + longest_drain;
  std::vector<std::size_t> exchanged;
  for (std::size_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index].rings.empty()) continue;
    while (!has_ended(index) && Clock::now() < latest) std::this_thread::sleep_for(1ms);
    exchanged.push_back(index);
    const std::lock_guard lock(mutex_);
    slots_[index].rings.clear();
    slots_[index].gone_since = Clock::now();
  }
  if (std::any_of(exchanged.begin(), exchanged.end(),
                  [this](std::size_t slot) { return slots_[slot].device.starts_with("dpdk:"); })) {
    for (std::size_t worker = 0; worker < workers_.size(); ++worker) install(worker, why);  // a port has one owner
  }
  for (const std::size_t slot : exchanged) (void)open_slot(slot);  // one that fails is tried again, as if it had gone
  bring_back(exchanged, why);
}

// ---- Outputs -------------------------------------------------------------------------------------------------------

void Capture::look_after_outputs() {
  const auto now = Clock::now();
  if (now < retry_due_) return;
  retry_due_ = now + retry_interval_;
  bool all_well = true;
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
    const WorkerFigures figures = workers_[worker]->figures();
    if (has_output_[worker] && figures.failure.view().empty()) continue;
    all_well = false;
    if (!figures.failure.view().empty()) note(std::string(figures.failure.view()));
    look_after_quota();
    if (!storage_->has_room()) continue;
    install(worker, "packets were dropped before this file: the one before could not be written");
  }
  retry_interval_ = all_well ? first_retry : std::min<std::chrono::seconds>(2 * retry_interval_, longest_retry);
  if (!all_well && !storage_->has_room()) retry_interval_ = first_retry;  // looking at the room costs nothing
  if (all_well) note("");
}

Slots Capture::slots_of(std::size_t worker) const {
  Slots slots;
  for (const Slot& slot : slots_) slots.push_back(slot.rings.empty() ? nullptr : slot.rings[worker]);
  return slots;
}

RecorderOptions Capture::output_options(const CaptureSettings& settings,
                                        std::shared_ptr<store::StorageDirectory> storage, const std::string& comment) {
  RecorderOptions options = settings.output;
  options.storage = std::move(storage);
  options.group_readable = settings.storage.group_readable;
  if (options.format == FileFormat::pcapng) options.comment = comment;
  return options;
}

/// The worker goes on with the slots there are and a new file; what it had is finished here.
void Capture::install(std::size_t worker, const std::string& comment) {
  std::unique_ptr<Output> output;
  if (settings_.writes_files()) {
    auto opened = Output::open(slots_of(worker), output_options(settings_, storage_, comment));
    if (opened) output = std::move(*opened);
    if (!opened) note(opened.error().message());
  }
  install(worker, std::move(output));
}

void Capture::install(std::size_t worker, std::unique_ptr<Output> output) {
  has_output_[worker] = output != nullptr;
  auto answer = tell(worker, {.kind = Order::Kind::install, .slots = slots_of(worker), .output = std::move(output)});
  finish_output(*answer);
}

void Capture::finish_output(Order& answer) {
  if (answer.output == nullptr) return;
  if (auto finished = answer.output->recorder.finish(); !finished) {
    log(LogLevel::error, name_, finished.error().message());
  }
  const RecorderStats final = answer.output->recorder.stats();
  const std::lock_guard lock(mutex_);
  recorded_aside_ += final;
  recorded_aside_ -= answer.counted_as;
}

}  // namespace ringtail::daemon
