#include "bench/copy_table.hpp"

#include "bench/interruption.hpp"
#include "bench/share_of_time.hpp"
#include "bench/way_runner.hpp"

namespace ringtail::bench {

namespace {

constexpr int idle_runs = 3;
constexpr std::uint64_t counted_part = 4;  // of a round's work: enough to count, and to read the file back

/// One way on one traffic, from round to round.
class RowRuns {
 public:
  RowRuns(WayRunner& runner, const CopyTableSettings& settings, const Way& way, std::string traffic)
      : runner_(runner), work_{settings.blocks, settings.socket_frames}, collector_(way.writes_into_page_cache) {
    row_.traffic = std::move(traffic);
    row_.way = &way;
  }

  /// The runs that are for comparison: with nothing to do, and with system calls counted.
  void prepare() {
    std::vector<RunAccount> idle;
    for (int time = 0; time < idle_runs; ++time) {
      const auto timed = run({}, false);
      if (!timed) return;
      idle.push_back(timed->account);
    }
    const auto counted_idle = run({}, true);
    if (!counted_idle) return;
    RunAccount typical = typical_idle(idle);
    typical.system_calls = counted_idle->account.system_calls;
    collector_.set_idle(typical);
    const auto counted = run({work_.blocks / counted_part + 1, work_.socket_frames / counted_part + 1}, true);
    if (!counted) return;
    collector_.set_counted(counted->account);
    row_.detail = counted->detail;
    note_loss(counted->account);
  }

  void add_round() {
    if (const auto timed = run(work_, false)) collector_.add_round(timed->account);
  }

  [[nodiscard]] CopyTableRow finish() {
    if (row_.unavailable.empty()) row_.figures = collector_.finish();
    if (row_.unavailable.empty() && row_.figures.rounds == 0) row_.unavailable = "time was up";
    return std::move(row_);
  }

 private:
  std::optional<WayRunner::Outcome> run(const Work& work, bool thorough) {
    if (!row_.unavailable.empty() || interrupted()) return std::nullopt;
    auto outcome = runner_.run(*row_.way, work, thorough);
    if (outcome) return std::move(*outcome);
    row_.unavailable = outcome.error().reason;
    return std::nullopt;
  }

  /// Nothing can be lost here, so a file with fewer packets is the way's mistake and its figures are worth nothing.
  void note_loss(const RunAccount& run) {
    if (run.captured_packets == run.offered_packets) return;
    row_.unavailable = "its file holds " + std::to_string(run.captured_packets) + " of " +
                       std::to_string(run.offered_packets) + " packets";
  }

  WayRunner& runner_;
  Work work_;
  FigureCollector collector_;
  CopyTableRow row_;
};

}  // namespace

Result<CopyTable> make_copy_table(const CopyTableSettings& settings, const Progress& progress) {
  CopyTable table;
  for (std::size_t done = 0; done < settings.traffics.size(); ++done) {
    const Traffic& traffic = settings.traffics[done];
    const auto deadline = share_of(settings.deadline, static_cast<double>(settings.traffics.size() - done));
    auto runner = WayRunner::create({.ring_mib = settings.ring_mib,
                                     .link = settings.link,
                                     .path = settings.directory + "/table.capture",
                                     .cpu = settings.cpu,
                                     .background_busy = settings.background_busy},
                                    traffic);
    if (!runner) return tl::unexpected(std::move(runner.error()));
    table.ring_kind = runner->ring_kind();
    std::vector<RowRuns> rows;
    for (const Way& way : ways()) rows.emplace_back(*runner, settings, way, traffic.name());
    progress("table, " + traffic.name() + ": idle runs, system calls, files read back");
    for (RowRuns& row : rows) row.prepare();
    for (std::uint64_t round = 0; round < settings.rounds && !interrupted(); ++round) {
      if (round != 0 && deadline.has_passed()) break;
      progress("table, " + traffic.name() + ": round " + std::to_string(round + 1));
      // Every round begins with another way, so that none always follows the same one.
      for (std::size_t turn = 0; turn < rows.size(); ++turn) rows[(turn + round) % rows.size()].add_round();
    }
    for (RowRuns& row : rows) table.rows.push_back(row.finish());
  }
  return table;
}

}  // namespace ringtail::bench
