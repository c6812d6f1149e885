// What a new configuration changes, so that what it does not change goes on undisturbed.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "settings.hpp"

namespace ringtail::daemon {

struct ReloadPlan {
  std::vector<std::string> stop{};         ///< no longer wanted
  std::vector<CaptureSettings> start{};    ///< new
  std::vector<CaptureSettings> restart{};  ///< other interfaces, threads, or memory to lend: ended and begun anew
  std::vector<CaptureSettings> change{};   ///< other filter, file or storage settings: changed while they run
};

/// `unsettled`: names of those whose settings may be others by the time they hear of this.
[[nodiscard]] ReloadPlan plan_reload(const std::vector<CaptureSettings>& running,
                                     const std::vector<CaptureSettings>& wanted,
                                     const std::set<std::string>& unsettled = {});

}  // namespace ringtail::daemon
