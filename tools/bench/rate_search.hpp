// The no-drop rate, in the manner of RFC 2544, section 26.1: the highest offered rate at which a contestant loses no
// packet, found by trials of fixed length.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "bench/live_race.hpp"

namespace ringtail::bench {

struct RateSearchSettings {
  std::vector<Traffic> traffics;
  double trial_seconds = 0;  ///< of sending. The ring hides what does not last longer than it takes to fill it
  double resolution = 0.05;  ///< the search ends when the two rates are no further apart than this part of the higher
  base::Deadline deadline = base::Deadline::never();  ///< no trial begins after it
};

struct RateTrial {
  double offered_per_second = 0;  ///< what the sender really managed
  std::uint64_t offered_packets = 0;
  std::uint64_t captured_packets = 0;

  [[nodiscard]] bool is_lossless() const noexcept { return captured_packets >= offered_packets; }
};

/// Rates are those that the sender managed, which may be less than it was told.
struct RateBounds {
  double lossless_per_second = 0;  ///< the highest rate of a trial without loss, below all rates with loss; 0: none
  double lossy_per_second = 0;     ///< the lowest rate of a trial with loss; 0: there was none: the sender's limit
};

[[nodiscard]] RateBounds bounds_of(std::span<const RateTrial> trials);

struct RateRow {
  std::string traffic;
  std::string contestant;
  std::string unavailable;  ///< why there is no rate; empty: there is
  RateBounds bounds;
  bool finished = false;  ///< the two are as close as they should be, or there were trials enough
  std::vector<RateTrial> trials;
};

/// The first trial is at full sender speed; after a loss the interval between the two rates is halved. Loss at a
/// rate is taken as loss at all higher ones.
[[nodiscard]] std::vector<RateRow> search_rates(const RateSearchSettings& settings,
                                                const std::vector<Contestant>& contestants, LiveRunner& runner,
                                                const Progress& progress);

}  // namespace ringtail::bench
