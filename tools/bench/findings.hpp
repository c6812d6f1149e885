// All that a bench run has found out, and the forms it is told in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/contestants.hpp"
#include "bench/copy_table.hpp"
#include "bench/live_race.hpp"
#include "bench/machine_facts.hpp"
#include "bench/plan.hpp"
#include "bench/rate_search.hpp"

namespace ringtail::bench {

struct Findings {
  std::string version;
  std::string command;  ///< the command line that made it
  MachineFacts machine;
  Plan plan;
  double elapsed_seconds = 0;
  bool interrupted = false;  ///< Ctrl-C: what is missing was not run

  std::optional<CopyTable> table;
  Field field;
  std::vector<LiveRow> race;
  std::vector<RateRow> rates;
  std::vector<std::string> skipped;  ///< parts that could not be run, and why
};

/// For people: tables in plain text, ending with a newline.
[[nodiscard]] std::string to_text(const Findings& findings);

/// For programs: one JSON object in one line. Keys end with their units; figures.hpp says what they mean.
[[nodiscard]] std::string to_json(const Findings& findings);

/// For a README: the same in tables of Markdown, without what only matters when it is looked into.
[[nodiscard]] std::string to_markdown(const Findings& findings);

/// For a page: an SVG picture that suits light and dark backgrounds.
[[nodiscard]] std::string to_svg(const Findings& findings);

}  // namespace ringtail::bench
