// Other settings for a capture that runs.
#include <utility>

#include "capture.hpp"
#include "log.hpp"

namespace ringtail::daemon {

void Capture::reconfigure(const CaptureSettings& settings, Outcome outcome) {
  {
    const std::lock_guard lock(mutex_);
    ++reconfigurations_;
  }
  post([this, settings, outcome = std::move(outcome)] {
    const auto applied = apply(settings);
    if (!applied) log(LogLevel::error, name_, "goes on as it was: " + applied.error().message());
    {
      const std::lock_guard lock(mutex_);
      --reconfigurations_;
    }
    outcome(applied);
  });
}

CaptureSettings Capture::configuration() const {
  const std::lock_guard lock(mutex_);
  return configured_;
}

bool Capture::is_settled() const {
  const std::lock_guard lock(mutex_);
  return reconfigurations_ == 0;
}

// ---- The manager's thread ------------------------------------------------------------------------------------------

Result<void> Capture::apply(const CaptureSettings& wanted) {
  if (finished_) return {};
  CaptureSettings next = wanted;
  // A filter that somebody has set meanwhile stays until the configuration has another one than it had.
  if (wanted.open.filter == configured_.open.filter) next.open.filter = settings_.open.filter;
  const bool other_sources = next.open != settings_.open;
  if (other_sources) {
    for (const Slot& slot : slots_) {
      if (auto checked = opener_.check_filter(slot.device, next.open); !checked) return checked;
    }
  }
  if (auto changed = change_files(next); !changed) return changed;
  if (lender_) lender_->admit_others(next.share);
  {
    const std::lock_guard lock(mutex_);
    settings_ = next;
    configured_ = wanted;
  }
  if (other_sources) exchange_sources("the configuration was changed");
  return {};
}

/// All that is needed is there before anything is given up: whatever fails leaves everything as it was.
Result<void> Capture::change_files(const CaptureSettings& next) {
  if (next.storage == settings_.storage && next.output == settings_.output) return {};
  const std::shared_ptr<store::StorageDirectory> before = storage_;
  std::shared_ptr<store::StorageDirectory> storage = before;
  if (!next.storage.has_same_files(settings_.storage)) {
    auto opened = open_storage(next.storage);
    if (!opened) return tl::unexpected(std::move(opened.error()));
    storage = std::move(*opened);
  }
  std::vector<std::unique_ptr<Output>> outputs;
  if (next.writes_files() && (storage != before || next.output != settings_.output)) {
    for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
      auto output = Output::open(slots_of(worker), output_options(next, storage, ""));
      if (!output) return tl::unexpected(std::move(output.error()));
      outputs.push_back(std::move(*output));
    }
  }
  {
    const std::lock_guard lock(mutex_);
    settings_.storage = next.storage;
    settings_.output = next.output;
  }
  use_storage(storage);
  for (std::size_t worker = 0; worker < outputs.size(); ++worker) install(worker, std::move(outputs[worker]));
  if (storage && before && storage != before) {
    storage->take_over(*before);
    look_after_quota();
  }
  log(LogLevel::info, name_, "took over a new configuration, no packet was missed");
  return {};
}

}  // namespace ringtail::daemon
