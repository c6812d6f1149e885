// How much is measured. Three sizes: a look, what fits into ten minutes, and the whole thing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ringtail/error.hpp>

#include "base/deadline.hpp"

namespace ringtail::bench {

struct Plan {
  std::uint32_t ring_mib = 64;

  std::vector<std::string> table_traffics;
  std::uint64_t table_blocks = 0;  ///< of 1 MiB, per round
  std::uint64_t table_socket_frames = 0;
  std::uint64_t table_rounds = 0;

  std::vector<std::string> live_traffics;
  bool all_contestants = true;  ///< false: ringtail and tcpdump
  double race_seconds = 0;      ///< of sending per round
  std::uint64_t race_rounds = 0;

  double trial_seconds = 0;    ///< of sending per trial of the no-drop rate
  double rate_resolution = 0;  ///< where that search ends, as a part of the rate

  /// After so long no round and no trial begins any more. The parts and frame sizes have their shares of it.
  std::optional<std::chrono::seconds> time_limit;

  bool with_table = true;
  bool with_race = true;
  bool with_rates = true;
};

/// A few seconds: shows that everything works. Its figures mean nothing.
[[nodiscard]] Plan quick_plan();
/// At most ten minutes: table and race. The rates of no drop have to be asked for.
[[nodiscard]] Plan default_plan();
/// All parts and frame sizes, longer runs, no time limit: more than an hour.
[[nodiscard]] Plan full_plan();

}  // namespace ringtail::bench
