// What a new configuration changes, so that what it does not change goes on undisturbed.
#pragma once

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

[[nodiscard]] ReloadPlan plan_reload(const std::vector<CaptureSettings>& running,
                                     const std::vector<CaptureSettings>& wanted);

}  // namespace ringtail::daemon
