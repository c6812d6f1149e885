#include "bench/live_race.hpp"

#include <algorithm>
#include <optional>

#include "bench/interruption.hpp"
#include "bench/share_of_time.hpp"

namespace ringtail::bench {

namespace {

constexpr int idle_runs = 3;
constexpr std::uint64_t counted_part = 5;  // of a round's frames: enough to count system calls

/// One contestant on one traffic, from round to round.
class RowRuns {
 public:
  RowRuns(LiveRunner& runner, const Contestant& contestant, const Traffic& traffic, const Result<RunAccount>& idle)
      : runner_(runner), contestant_(contestant), traffic_(traffic) {
    row_.traffic = traffic.name();
    row_.contestant = contestant.name;
    if (idle) collector_.set_idle(*idle);
    if (!idle) row_.unavailable = idle.error().reason;
  }

  void count_system_calls(std::uint64_t frames) {
    if (const auto run = try_run(frames, true)) collector_.set_counted(run->account);
  }

  void add_round(std::uint64_t frames) {
    const auto run = try_run(frames, false);
    if (!run) return;
    collector_.add_round(run->account);
    offered_per_second_.push_back(run->sent.frames_per_second());
  }

  [[nodiscard]] LiveRow finish() {
    row_.offered_per_second = spread_of(offered_per_second_);
    row_.figures = collector_.finish();
    if (row_.figures.rounds == 0 && row_.unavailable.empty()) row_.unavailable = "time was up";
    return std::move(row_);
  }

 private:
  std::optional<LiveRun> try_run(std::uint64_t frames, bool count_system_calls) {
    if (!row_.unavailable.empty() || interrupted()) return std::nullopt;
    auto run = runner_.run(contestant_, traffic_, {.frames = frames}, count_system_calls);
    if (run) return std::move(*run);
    row_.unavailable = run.error().reason;
    return std::nullopt;
  }

  LiveRunner& runner_;
  const Contestant& contestant_;
  const Traffic& traffic_;
  FigureCollector collector_;
  std::vector<double> offered_per_second_;
  LiveRow row_;
};

Result<RunAccount> run_idle(const LiveRaceSettings& settings, const Contestant& contestant, LiveRunner& runner) {
  std::vector<RunAccount> runs;
  for (int time = 0; time < idle_runs && !interrupted(); ++time) {
    auto run = runner.run(contestant, settings.traffics.front(), {.seconds = settings.seconds}, true);
    if (!run) return tl::unexpected(std::move(run.error()));
    runs.push_back(run->account);
  }
  return runs.empty() ? RunAccount{} : typical_idle(runs);
}

}  // namespace

Result<std::vector<LiveRow>> race(const LiveRaceSettings& settings, const std::vector<Contestant>& contestants,
                                  LiveRunner& runner, const Progress& progress) {
  std::vector<LiveRow> finished;
  std::vector<Result<RunAccount>> idle;
  for (const Contestant& contestant : contestants) {
    progress("race: " + contestant.name + " idle");
    idle.push_back(run_idle(settings, contestant, runner));
    if (interrupted()) return finished;
  }
  for (std::size_t done = 0; done < settings.traffics.size(); ++done) {
    const Traffic& traffic = settings.traffics[done];
    const auto deadline = share_of(settings.deadline, static_cast<double>(settings.traffics.size() - done));
    const auto alone = runner.measure_sender(traffic, settings.seconds);
    if (!alone) return tl::unexpected(alone.error());
    std::vector<RowRuns> rows;
    for (std::size_t index = 0; index < contestants.size(); ++index) {
      rows.emplace_back(runner, contestants[index], traffic, idle[index]);
    }
    progress("race, " + traffic.name() + ": system calls");
    for (RowRuns& row : rows) row.count_system_calls(alone->frames / counted_part + 1);
    for (std::uint64_t round = 0; round < settings.rounds && !deadline.has_passed(); ++round) {
      progress("race, " + traffic.name() + ": round " + std::to_string(round + 1));
      // Every round begins with another contestant, so that none always follows the same one.
      for (std::size_t turn = 0; turn < rows.size(); ++turn) {
        rows[(turn + round) % rows.size()].add_round(alone->frames);
      }
    }
    for (RowRuns& row : rows) finished.push_back(row.finish());
  }
  return finished;
}

}  // namespace ringtail::bench
