#include <fmt/format.h>

#include "bench/figure_words.hpp"
#include "bench/findings.hpp"
#include "bench/text_table.hpp"

namespace ringtail::bench {

namespace {

constexpr double mebibyte = 1 << 20;

std::vector<std::string> figure_cells(const Figures& figures) {
  return {spread_words(figures.cpu_ns_per_packet, 0),
          fmt::format("{:.0f}", figures.machine_cpu_ns_per_packet),
          fmt::format("{:.2f}", figures.copies_per_byte),
          calls_words(figures),
          fmt::format("{:.3f}", figures.switches_per_1000),
          fmt::format("{:.2f}", figures.file_bytes_per_byte),
          fmt::format("{:.2f}", figures.cached_per_file_byte),
          fmt::format("{:.0f}", static_cast<double>(figures.largest_resident_bytes) / mebibyte)};
}

std::vector<std::string> titles(const std::string& first) {
  return {first, "CPU ns/packet", "machine ns", "copies", "calls/1000", "switches/1000", "file/byte", "cached", "MiB"};
}

std::string machine_text(const Findings& findings) {
  const MachineFacts& machine = findings.machine;
  std::string text = fmt::format("ringtail {} on {}; rings of {} MiB\n", findings.version, machine_words(machine),
                                 findings.plan.ring_mib);
  text += "made by: " + findings.command + "\n";
  for (const std::string& warning : machine.warnings()) text += "warning: " + warning + "\n";
  for (const std::string& skipped : findings.skipped) text += "not run: " + skipped + "\n";
  return text;
}

/// A row that time did not suffice for says so.
std::string name_cell(const std::string& name, const Figures& figures, std::uint64_t rounds) {
  return figures.rounds == rounds ? name : fmt::format("{} ({} rounds)", name, figures.rounds);
}

std::string copy_table_text(const CopyTable& table, const Plan& plan) {
  std::string text = fmt::format(
      "\nRing memory to file: {}; {} blocks of 1 MiB a round, {} rounds; median (least-most)\n"
      "  GB/s: file bytes until they are on the disk; of raw: by what plain O_DIRECT writes of 1 MiB reach\n",
      table.ring_kind, plan.table_blocks, plan.table_rounds);
  for (const std::string& traffic : plan.table_traffics) {
    auto names = titles(frames_words(traffic));
    names.insert(names.end(), {"GB/s", "of raw"});
    TextTable lines(std::move(names));
    for (const CopyTableRow& row : table.rows) {
      if (row.traffic != traffic) continue;
      if (!row.unavailable.empty()) {
        lines.add({row.way->name, "not run: " + row.unavailable});
        continue;
      }
      auto cells = figure_cells(row.figures);
      cells.insert(cells.begin(), name_cell(row.way->name, row.figures, plan.table_rounds));
      cells.push_back(spread_words(row.figures.file_gb_per_second, 2));
      cells.push_back(raw_speed_words(row, table));
      lines.add(std::move(cells));
    }
    text += "\n" + lines.text();
  }
  return text;
}

std::string contestants_text(const Field& field) {
  std::string text;
  for (const Contestant& contestant : field.contestants) {
    text += fmt::format("  {}: {}\n    {}\n", contestant.name, contestant.version, to_text(contestant.command));
  }
  for (const std::string& absent : field.absent) text += "  absent: " + absent + "\n";
  return text;
}

std::string race_text(const std::vector<LiveRow>& rows, const Plan& plan) {
  std::string text =
      fmt::format("\nLive veth link at full sender speed, {} s of frames a round, {} rounds; median (least-most)\n",
                  plan.race_seconds, plan.race_rounds);
  for (const std::string& traffic : plan.live_traffics) {
    auto names = titles(frames_words(traffic));
    names.insert(names.end(), {"by tcpdump's", "thousand/s offered", "lost"});
    TextTable lines(std::move(names));
    for (const LiveRow& row : rows) {
      if (row.traffic != traffic) continue;
      if (!row.unavailable.empty()) lines.add({row.contestant, "stopped: " + row.unavailable});
      if (row.figures.rounds == 0) continue;
      auto cells = figure_cells(row.figures);
      cells.insert(cells.begin(), name_cell(row.contestant, row.figures, plan.race_rounds));
      cells.push_back(tcpdump_ratio_words(row, rows));
      cells.push_back(spread_words(row.offered_per_second, 0, 1e-3));
      cells.push_back(loss_words(row.figures));
      lines.add(std::move(cells));
    }
    text += "\n" + lines.text();
  }
  return text;
}

std::string rates_text(const std::vector<RateRow>& rows, const Plan& plan) {
  std::string text =
      fmt::format("\nNo-drop rate, thousand packets/s, trials of {} s (a ring of {} MiB hides short overloads)\n\n",
                  plan.trial_seconds, plan.ring_mib);
  TextTable lines({"", "frames", "no loss at", "loss at", "trials"});
  for (const RateRow& row : rows) {
    if (!row.unavailable.empty() && row.trials.empty()) {
      lines.add({row.contestant, row.traffic, "not run: " + row.unavailable});
      continue;
    }
    lines.add({row.contestant, row.traffic, lossless_words(row),
               row.bounds.lossy_per_second > 0 ? fmt::format("{:.0f}", row.bounds.lossy_per_second / 1e3)
                                               : "- (sender's limit)",
               fmt::format("{}{}", row.trials.size(), row.finished ? "" : ", unfinished")});
  }
  return text + lines.text();
}

}  // namespace

std::string to_text(const Findings& findings) {
  std::string text = machine_text(findings);
  if (findings.table) text += copy_table_text(*findings.table, findings.plan);
  if (!findings.race.empty()) text += race_text(findings.race, findings.plan);
  if (!findings.rates.empty()) text += rates_text(findings.rates, findings.plan);
  if (!findings.field.contestants.empty()) text += "\nContestants\n" + contestants_text(findings.field);
  text += fmt::format("\n{:.0f} s{}\n", findings.elapsed_seconds, findings.interrupted ? ", interrupted" : "");
  return text;
}

}  // namespace ringtail::bench
