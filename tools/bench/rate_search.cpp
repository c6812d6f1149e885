#include "bench/rate_search.hpp"

#include <algorithm>
#include <cmath>

#include "bench/interruption.hpp"

namespace ringtail::bench {

namespace {

constexpr std::size_t most_trials = 12;  // for a contestant that loses packets at any rate

class Search {
 public:
  Search(const RateSearchSettings& settings, const Contestant& contestant, const Traffic& traffic, LiveRunner& runner,
         const Result<Sent>& alone)
      : settings_(settings), contestant_(contestant), traffic_(traffic), runner_(runner) {
    row_.traffic = traffic.name();
    row_.contestant = contestant.name;
    if (alone) full_speed_ = alone->frames_per_second();
    if (!alone) row_.unavailable = alone.error().reason;
  }

  [[nodiscard]] bool is_over() const {
    return row_.finished || !row_.unavailable.empty() || interrupted() || settings_.deadline.has_passed();
  }

  /// One trial more.
  void step() {
    const bool at_full_speed = row_.trials.empty();
    const double rate =
        at_full_speed ? full_speed_ : (row_.bounds.lossless_per_second + row_.bounds.lossy_per_second) / 2;
    const auto frames = static_cast<std::uint64_t>(std::ceil(rate * settings_.trial_seconds));
    const auto run =
        runner_.run(contestant_, traffic_, {.frames = frames, .frames_per_second = at_full_speed ? 0 : rate}, false);
    if (!run) return void(row_.unavailable = run.error().reason);
    row_.trials.push_back({run->sent.frames_per_second(), run->account.offered_packets, run->account.captured_packets});
    conclude();
  }

  [[nodiscard]] RateRow finish() {
    if (row_.trials.empty() && row_.unavailable.empty()) row_.unavailable = "time was up";
    return std::move(row_);
  }

 private:
  void conclude() {
    row_.bounds = bounds_of(row_.trials);
    const double apart = row_.bounds.lossy_per_second - row_.bounds.lossless_per_second;
    row_.finished = apart <= settings_.resolution * row_.bounds.lossy_per_second || row_.trials.size() == most_trials;
  }

  const RateSearchSettings& settings_;
  const Contestant& contestant_;
  const Traffic& traffic_;
  LiveRunner& runner_;
  double full_speed_ = 0;
  RateRow row_;
};

}  // namespace

RateBounds bounds_of(std::span<const RateTrial> trials) {
  RateBounds bounds;
  const auto below_loss = [&bounds](const RateTrial& trial) {
    return bounds.lossy_per_second == 0 || trial.offered_per_second < bounds.lossy_per_second;
  };
  for (const RateTrial& trial : trials) {
    if (!trial.is_lossless() && below_loss(trial)) bounds.lossy_per_second = trial.offered_per_second;
  }
  for (const RateTrial& trial : trials) {
    if (!trial.is_lossless() || !below_loss(trial)) continue;
    bounds.lossless_per_second = std::max(bounds.lossless_per_second, trial.offered_per_second);
  }
  return bounds;
}

std::vector<RateRow> search_rates(const RateSearchSettings& settings, const std::vector<Contestant>& contestants,
                                  LiveRunner& runner, const Progress& progress) {
  std::vector<Search> searches;
  std::vector<RateRow> rows;
  for (const Traffic& traffic : settings.traffics) {
    const auto alone = runner.measure_sender(traffic, settings.trial_seconds);
    for (const Contestant& contestant : contestants) {
      searches.emplace_back(settings, contestant, traffic, runner, alone);
    }
  }
  // Trials in turn, so that when time is short every search is equally far.
  for (int trial = 1; std::any_of(searches.begin(), searches.end(), [](const Search& s) { return !s.is_over(); });
       ++trial) {
    progress("no-drop rate: trial " + std::to_string(trial) + " of each");
    for (Search& search : searches) {
      if (!search.is_over()) search.step();
    }
  }
  for (Search& search : searches) rows.push_back(search.finish());
  return rows;
}

}  // namespace ringtail::bench
