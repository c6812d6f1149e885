#include "reload_plan.hpp"

#include <algorithm>

namespace ringtail::daemon {

namespace {

const CaptureSettings* find(const std::vector<CaptureSettings>& captures, const std::string& name) {
  const auto found = std::find_if(captures.begin(), captures.end(),
                                  [&name](const CaptureSettings& capture) { return capture.name == name; });
  return found == captures.end() ? nullptr : &*found;
}

/// What cannot be exchanged while it runs. Who may attach can be; a flight recorder is made for one ring.
bool needs_restart(const CaptureSettings& before, const CaptureSettings& after) {
  ShareSettings share = after.share;
  share.users = before.share.users;
  share.groups = before.share.groups;
  share.ring_users = before.share.ring_users;
  share.ring_groups = before.share.ring_groups;
  return before.devices != after.devices || before.threads != after.threads || before.cpus != after.cpus ||
         before.ordered != after.ordered || before.has_writer_threads() != after.has_writer_threads() ||
         before.writes_apart() != after.writes_apart() || before.share != share ||
         before.writes_files() != after.writes_files() || before.flight != after.flight ||
         (after.flight && before.open != after.open);
}

}  // namespace

ReloadPlan plan_reload(const std::vector<CaptureSettings>& running, const std::vector<CaptureSettings>& wanted,
                       const std::set<std::string>& unsettled) {
  ReloadPlan plan;
  for (const CaptureSettings& each : running) {
    if (find(wanted, each.name) == nullptr) plan.stop.push_back(each.name);
  }
  for (const CaptureSettings& each : wanted) {
    const CaptureSettings* before = find(running, each.name);
    if (before == nullptr) {
      plan.start.push_back(each);
    } else if (needs_restart(*before, each)) {
      plan.restart.push_back(each);
    } else if (*before != each || unsettled.contains(each.name)) {
      plan.change.push_back(each);
    }
  }
  return plan;
}

}  // namespace ringtail::daemon
