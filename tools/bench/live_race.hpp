// The live race: the contestants in turn on the same link, under the same load.
#pragma once

#include <string>
#include <vector>

#include <ringtail/error.hpp>

#include "base/deadline.hpp"
#include "bench/live_runner.hpp"
#include "bench/progress.hpp"

namespace ringtail::bench {

struct LiveRaceSettings {
  std::vector<Traffic> traffics;
  std::uint64_t rounds = 0;
  /// Of sending per round. The number of frames is what the sender alone manages in that time, so all contestants get
  /// the same frames; sending takes longer when somebody captures.
  double seconds = 0;
  base::Deadline deadline = base::Deadline::never();  ///< no round begins after it
};

struct LiveRow {
  std::string traffic;
  std::string contestant;
  std::string unavailable;  ///< why there are no figures; empty: there are
  Spread offered_per_second;
  Figures figures;
};

/// A figure of the machine is what was not idle, minus what sending the same frames costs when nobody captures, minus
/// what the machine does anyhow: so the kernel's copy into the ring is in it.
[[nodiscard]] Result<std::vector<LiveRow>> race(const LiveRaceSettings& settings,
                                                const std::vector<Contestant>& contestants, LiveRunner& runner,
                                                const Progress& progress);

}  // namespace ringtail::bench
