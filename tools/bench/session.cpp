#include "bench/session.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/affinity.hpp"
#include "bench/interruption.hpp"
#include "bench/share_of_time.hpp"

namespace ringtail::bench {

namespace {

constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30;
constexpr std::uint64_t least_free_bytes = 2 * gibibyte;
constexpr std::uint64_t most_live_bytes = 8 * gibibyte;
// The table gets a third of the time when more follows, the race three fifths of what is left when rates follow.
constexpr double table_share = 3;
constexpr double race_share = 5.0 / 3;

/// A directory of our own, removed with all that is in it.
class ScratchDirectory {
 public:
  [[nodiscard]] static Result<ScratchDirectory> create(const std::string& parent) {
    std::string path = parent + "/ringtail-bench-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return tl::unexpected(system_error("make a directory in " + parent, errno));
    return ScratchDirectory(std::move(path));
  }
  ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<std::vector<Traffic>> parse_traffics(const std::vector<std::string>& names) {
  std::vector<Traffic> traffics;
  for (const std::string& name : names) {
    auto traffic = Traffic::parse(name);
    if (!traffic) return tl::unexpected(std::move(traffic.error()));
    traffics.push_back(std::move(*traffic));
  }
  return traffics;
}

/// Binds this process, which sends, to the first CPU; the second is for who is measured. Negative: there is only one.
int divide_cpus() {
  const std::vector<int> cpus = base::cpus_of_node(-1);
  if (cpus.size() < 2 || !base::pin_this_thread(cpus[0])) return -1;
  return cpus[1];
}

class Session {
 public:
  Session(const Plan& plan, const Progress& progress, Findings& findings, std::string directory)
      : plan_(plan), progress_(progress), findings_(findings), directory_(std::move(directory)) {
    if (plan.time_limit) end_ = base::Deadline::after(*plan.time_limit);
  }

  Result<void> run() {
    link_ = VethLink::create();
    if (!link_ && !plan_.with_table) return tl::unexpected(link_.error());
    if (!link_) {
      findings_.skipped.push_back("live link: " + link_.error().message());
      progress_("not run: " + findings_.skipped.back());
    }
    measured_cpu_ = divide_cpus();
    background_busy_ = measure_background();
    auto table = plan_.with_table ? make_table() : Result<void>{};
    if (!table) return table;
    if (link_ && (plan_.with_race || plan_.with_rates)) return run_live_parts();
    return {};
  }

 private:
  Result<void> make_table() {
    auto traffics = parse_traffics(plan_.table_traffics);
    if (!traffics) return tl::unexpected(std::move(traffics.error()));
    CopyTableSettings settings;
    settings.traffics = std::move(*traffics);
    settings.ring_mib = plan_.ring_mib;
    settings.blocks = plan_.table_blocks;
    settings.rounds = plan_.table_rounds;
    settings.socket_frames = plan_.table_socket_frames;
    settings.directory = directory_;
    settings.link = link_ ? &*link_ : nullptr;
    settings.cpu = measured_cpu_;
    settings.background_busy = background_busy_;
    settings.deadline = plan_.with_race || plan_.with_rates ? share_of(end_, table_share) : end_;
    auto table = make_copy_table(settings, progress_);
    if (!table) return tl::unexpected(std::move(table.error()));
    findings_.table = std::move(*table);
    return {};
  }

  Result<void> run_live_parts() {
    auto traffics = parse_traffics(plan_.live_traffics);
    if (!traffics) return tl::unexpected(std::move(traffics.error()));
    findings_.field = find_contestants({.interface = link_->receiver(),
                                        .ring_mib = plan_.ring_mib,
                                        .only_ringtail_and_tcpdump = !plan_.all_contestants});
    LiveRunner runner({.link = &*link_,
                       .directory = directory_,
                       .cpu = measured_cpu_,
                       .background_busy = background_busy_,
                       .most_bytes = std::min(most_live_bytes, findings_.machine.free_bytes / 2)});
    if (plan_.with_race) {
      const LiveRaceSettings settings = {.traffics = *traffics,
                                         .rounds = plan_.race_rounds,
                                         .seconds = plan_.race_seconds,
                                         .deadline = plan_.with_rates ? share_of(end_, race_share) : end_};
      auto rows = race(settings, findings_.field.contestants, runner, progress_);
      if (!rows) return tl::unexpected(std::move(rows.error()));
      findings_.race = std::move(*rows);
    }
    if (plan_.with_rates) {
      const RateSearchSettings settings = {.traffics = *traffics,
                                           .trial_seconds = plan_.trial_seconds,
                                           .resolution = plan_.rate_resolution,
                                           .deadline = end_};
      findings_.rates = search_rates(settings, findings_.field.contestants, runner, progress_);
    }
    return {};
  }

  const Plan& plan_;
  const Progress& progress_;
  Findings& findings_;
  const std::string directory_;
  base::Deadline end_ = base::Deadline::never();
  Result<VethLink> link_ = tl::unexpected(Error{});
  int measured_cpu_ = -1;
  double background_busy_ = 0;
};

}  // namespace

Result<Findings> run_plan(const Plan& plan, const std::string& directory, const Progress& progress) {
  const auto start = std::chrono::steady_clock::now();
  auto machine = examine_machine(directory);
  if (!machine) return tl::unexpected(std::move(machine.error()));
  if (machine->free_bytes < least_free_bytes) {
    return tl::unexpected(make_error("bench in " + directory, "less than 2 GiB are free there",
                                     "name another directory with --temp-dir"));
  }
  auto scratch = ScratchDirectory::create(machine->directory);
  if (!scratch) return tl::unexpected(std::move(scratch.error()));
  watch_for_interruption();

  Findings findings;
  findings.machine = std::move(*machine);
  findings.plan = plan;
  auto done = Session(plan, progress, findings, scratch->path()).run();
  if (!done) return tl::unexpected(std::move(done.error()));
  findings.interrupted = interrupted();
  findings.elapsed_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return findings;
}

}  // namespace ringtail::bench
