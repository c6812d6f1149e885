// The tables of a README, narrower than those on a terminal.
#include <algorithm>
#include <fmt/format.h>

#include "bench/figure_words.hpp"
#include "bench/findings.hpp"
#include "bench/text_table.hpp"

namespace ringtail::bench {

namespace {

const CopyTableRow* find_row(const CopyTable& table, const Way& way, const std::string& traffic) {
  const auto found = std::find_if(table.rows.begin(), table.rows.end(),
                                  [&](const CopyTableRow& row) { return row.way == &way && row.traffic == traffic; });
  return found == table.rows.end() ? nullptr : &*found;
}

std::string figure_or_reason(const CopyTableRow* row, const std::string& words) {
  return row == nullptr || !row->unavailable.empty() ? "-" : words;
}

/// Why there are dashes in the table.
std::string absent_ways_markdown(const CopyTable& table, const std::string& traffic) {
  std::string text;
  for (const CopyTableRow& row : table.rows) {
    if (row.traffic != traffic || row.unavailable.empty()) continue;
    text += fmt::format("- {}, not run: {}\n", row.way->name, row.unavailable);
  }
  return text.empty() ? text : "\n" + text;
}

/// Ways down, frame sizes across. What hardly depends on the size is told for one of them, in the middle.
std::string copy_table_markdown(const CopyTable& table, const Plan& plan) {
  const auto& traffics = plan.table_traffics;
  const std::string& middle = traffics[(traffics.size() - 1) / 2];
  std::vector<std::string> titles = {"ring memory to file, CPU ns/packet"};
  for (const std::string& traffic : traffics) titles.push_back(frames_words(traffic));
  for (const char* const title : {"copies", "calls/1000", "file/byte", "GB/s", "of raw"}) {
    titles.push_back(fmt::format("{} ({})", title, middle));
  }
  TextTable lines(std::move(titles));
  for (const Way& way : ways()) {
    std::vector<std::string> cells = {way.name};
    for (const std::string& traffic : traffics) {
      const CopyTableRow* const row = find_row(table, way, traffic);
      cells.push_back(figure_or_reason(row, row != nullptr ? spread_words(row->figures.cpu_ns_per_packet, 0) : ""));
    }
    if (const CopyTableRow* const row = find_row(table, way, middle)) {
      const Figures& figures = row->figures;
      cells.push_back(figure_or_reason(row, fmt::format("{:.2f}", figures.copies_per_byte)));
      cells.push_back(figure_or_reason(row, calls_words(figures)));
      cells.push_back(figure_or_reason(row, fmt::format("{:.2f}", figures.file_bytes_per_byte)));
      cells.push_back(figure_or_reason(row, spread_words(figures.file_gb_per_second, 2)));
      cells.push_back(figure_or_reason(row, raw_speed_words(*row, table)));
    }
    lines.add(std::move(cells));
  }
  return fmt::format("\n{}; {} MiB a round, {} rounds.\n\n", table.ring_kind, plan.table_blocks, plan.table_rounds) +
         lines.markdown() + absent_ways_markdown(table, middle);
}

std::string race_markdown(const Findings& findings) {
  TextTable lines({"live link", "frames", "CPU ns/packet", "of tcpdump's", "machine ns", "copies", "calls/1000",
                   "switches/1000", "file/byte", "lost"});
  for (const LiveRow& row : findings.race) {
    const Figures& figures = row.figures;
    if (figures.rounds == 0) continue;
    lines.add({row.contestant, frames_words(row.traffic), spread_words(figures.cpu_ns_per_packet, 0),
               tcpdump_ratio_words(row, findings.race), fmt::format("{:.0f}", figures.machine_cpu_ns_per_packet),
               fmt::format("{:.2f}", figures.copies_per_byte), calls_words(figures),
               fmt::format("{:.2f}", figures.switches_per_1000), fmt::format("{:.2f}", figures.file_bytes_per_byte),
               loss_words(figures)});
  }
  return fmt::format("\nFull sender speed, {} s of frames a round, {} rounds; rings of {} MiB.\n\n",
                     findings.plan.race_seconds, findings.plan.race_rounds, findings.plan.ring_mib) +
         lines.markdown();
}

std::string rates_markdown(const Findings& findings) {
  TextTable lines({"no-drop rate", "frames", "thousand packets/s", "loses at"});
  for (const RateRow& row : findings.rates) {
    if (row.trials.empty()) continue;
    const double lossy = row.bounds.lossy_per_second;
    lines.add({row.contestant, frames_words(row.traffic), lossless_words(row),
               lossy > 0 ? fmt::format("{:.0f}", lossy / 1e3) : "nothing the sender can send"});
  }
  return fmt::format("\nTrials of {} s.\n\n", findings.plan.trial_seconds) + lines.markdown();
}

std::string contestants_markdown(const Field& field) {
  std::string text = "\n";
  for (const Contestant& contestant : field.contestants) {
    text += fmt::format("- {}: {}; `{}`\n", contestant.name, contestant.version, to_text(contestant.command));
  }
  for (const std::string& absent : field.absent) text += "- absent: " + absent + "\n";
  return text;
}

}  // namespace

std::string to_markdown(const Findings& findings) {
  std::string text = fmt::format("ringtail {}, `{}`. {}. Medians (least-most).\n", findings.version, findings.command,
                                 machine_words(findings.machine));
  for (const std::string& warning : findings.machine.warnings()) text += "Warning: " + warning + ".\n";
  for (const std::string& skipped : findings.skipped) text += "Not run: " + skipped + ".\n";
  if (!findings.race.empty()) text += race_markdown(findings);
  if (!findings.rates.empty()) text += rates_markdown(findings);
  if (findings.table) text += copy_table_markdown(*findings.table, findings.plan);
  if (!findings.field.contestants.empty()) text += contestants_markdown(findings.field);
  return text;
}

}  // namespace ringtail::bench
