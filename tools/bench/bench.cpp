// ringtail bench: shows on this machine what the other sub-commands claim.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <fstream>

#include "bench/session.hpp"
#include "bench/traffic.hpp"
#include "command.hpp"
#include "command_line.hpp"
#include "report.hpp"
#include "version.hpp"

namespace ringtail::tools {

namespace {

constexpr const char* examples =
    "  ringtail bench                                   ten minutes at most, as root on a quiet machine\n"
    "  ringtail bench --plot bench.svg --json bench.json --temp-dir /data\n"
    "  ringtail bench --part table --frames 512,mix     ways into a file, without the live link\n"
    "  ringtail bench --part rates --frames 64          how fast is too fast, for each program\n"
    "  ringtail bench --quick                           does it work here? The figures mean nothing\n";

struct BenchOptions {
  bool quick = false;
  bool full = false;
  std::vector<std::string> parts;
  std::vector<std::string> frames;
  std::optional<std::uint64_t> rounds;
  std::optional<std::uint32_t> ring_mib;
  std::string directory = "/var/tmp";
  std::string json_path;
  std::string plot_path;
  std::string markdown_path;
};

std::optional<int> read_options(Arguments arguments, BenchOptions& options) {
  CLI::App app(
      "Measure the ways from the kernel's ring into a file, race capture programs on a live virtual link, and search "
      "the rate at which each loses nothing.",
      "ringtail bench");
  describe(app, examples);
  auto* const quick = app.add_flag("--quick", options.quick, "a look of a few seconds; the figures mean nothing");
  app.add_flag("--full", options.full, "all parts and frame sizes, longer runs: more than an hour")->excludes(quick);
  app.add_option("--part", options.parts, "table, race, rates (of no drop); repeatable (default: table and race)")
      ->check(CLI::IsMember({"table", "race", "rates"}));
  app.add_option("--frames", options.frames, "60 to 9000 bytes, or mix; with commas")
      ->delimiter(',')
      ->check([](const std::string& name) {
        const auto traffic = bench::Traffic::parse(name);
        return traffic ? std::string() : traffic.error().message();
      });
  app.add_option("--rounds", options.rounds, "rounds of the table and the race")->check(CLI::Range(1, 1000));
  app.add_option("-B,--buffer-size", options.ring_mib, "MiB of ring, the same for all (default 64)")
      ->check(CLI::Range(4, 4096));
  app.add_option("--temp-dir", options.directory, "directory on the disk to be measured (default /var/tmp)");
  app.add_option("--json", options.json_path, "write the findings here; - is stdout");
  app.add_option("--markdown", options.markdown_path, "write the tables of a README here; - is stdout");
  app.add_option("--plot", options.plot_path, "draw an SVG picture here");
  return parse_command_line(app, arguments);
}

bench::Plan to_plan(const BenchOptions& options) {
  bench::Plan plan = options.quick ? bench::quick_plan() : options.full ? bench::full_plan() : bench::default_plan();
  const auto wanted = [&options](const char* part) {
    return std::find(options.parts.begin(), options.parts.end(), part) != options.parts.end();
  };
  if (!options.parts.empty()) {
    plan.with_table = wanted("table");
    plan.with_race = wanted("race");
    plan.with_rates = wanted("rates");
  }
  if (!options.frames.empty()) plan.table_traffics = plan.live_traffics = options.frames;
  if (options.rounds) plan.table_rounds = plan.race_rounds = *options.rounds;
  if (options.ring_mib) plan.ring_mib = *options.ring_mib;
  return plan;
}

Result<void> write_to(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::fputs(text.c_str(), stdout);
    return {};
  }
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) return tl::unexpected(make_error("write " + path, "it cannot be written"));
  return {};
}

/// Where the findings go, and in which form.
struct Output {
  std::string path;
  std::string (*form)(const bench::Findings& findings);
};

std::vector<Output> outputs_of(const BenchOptions& options) {
  std::vector<Output> outputs;
  if (!options.json_path.empty()) outputs.push_back({options.json_path, bench::to_json});
  if (!options.markdown_path.empty()) outputs.push_back({options.markdown_path, bench::to_markdown});
  if (!options.plot_path.empty()) outputs.push_back({options.plot_path, bench::to_svg});
  const bool takes_stdout = std::any_of(outputs.begin(), outputs.end(), [](const Output& o) { return o.path == "-"; });
  if (!takes_stdout) outputs.insert(outputs.begin(), {"-", bench::to_text});
  return outputs;
}

/// Now, and not after ten minutes: can it be written?
Result<void> try_output(const std::string& path) {
  if (path == "-" || std::ofstream(path, std::ios::app)) return {};
  return tl::unexpected(make_error("write " + path, "it cannot be written"));
}

std::string to_command_line(Arguments arguments) {
  std::string text = "ringtail";
  for (const char* const word : arguments) text += std::string(" ") + word;
  return text;
}

}  // namespace

int run_bench(Arguments arguments) {
  BenchOptions options;
  if (const auto status = read_options(arguments, options)) return *status;
  const std::vector<Output> outputs = outputs_of(options);
  for (const Output& output : outputs) {
    if (auto possible = try_output(output.path); !possible) return report(possible.error());
  }

  const auto start = std::chrono::steady_clock::now();
  auto findings = bench::run_plan(to_plan(options), options.directory, [start](const std::string& now) {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    tell(fmt::format("{:4.0f} s  {}\n", seconds.count(), now));
  });
  if (!findings) return report(findings.error());
  findings->version = version();
  findings->command = to_command_line(arguments);

  for (const Output& output : outputs) {
    if (auto written = write_to(output.path, output.form(*findings)); !written) return report(written.error());
  }
  return findings->interrupted ? exit_failed : exit_done;
}

}  // namespace ringtail::tools
