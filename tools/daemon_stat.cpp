// ringtail stat and ringtail top: how a daemon's captures are doing.
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <map>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>

#include "command_line.hpp"
#include "control/client.hpp"
#include "control/socket_path.hpp"
#include "daemon_text.hpp"

namespace ringtail::tools {

namespace {

constexpr std::string_view begin_of_screen = "\033[H\033[J";  // ECMA-48: cursor to the top, erase to the end

struct StatOptions {
  std::vector<std::string> names;
  std::string run_directory;
  bool json = false;
  double interval_seconds = 1;
  std::uint64_t rounds = 0;  ///< 0: until somebody ends it
};

void add_common_options(CLI::App& app, StatOptions& options) {
  app.add_option("NAME", options.names, "captures; default: all that run here")->type_name("");
  app.add_option("--run-dir", options.run_directory, "where their sockets are ($RINGTAIL_RUN_DIR, /run/ringtail)")
      ->type_name("DIR");
}

Result<control::CaptureStatus> ask_for_status(const std::string& directory, const std::string& name) {
  auto client = control::Client::connect(directory, name);
  if (!client) return tl::unexpected(std::move(client.error()));
  auto answer = client->ask({.operation = control::Operation::stat});
  if (!answer) return tl::unexpected(std::move(answer.error()));
  if (!answer->ok()) return tl::unexpected(make_error("ask capture " + name, *answer->error));
  if (!answer->status) return tl::unexpected(make_error("ask capture " + name, "it did not say how it is"));
  return *std::move(answer->status);
}

/// Those that were named must answer. Of those that were found, sockets that a crash has left are passed over.
Result<std::vector<control::CaptureStatus>> collect(const StatOptions& options) {
  const std::string directory = control::run_directory(options.run_directory);
  std::vector<std::string> names = options.names;
  if (names.empty()) {
    auto found = control::list_captures(directory);
    if (!found) return tl::unexpected(std::move(found.error()));
    names = std::move(*found);
  }
  std::vector<control::CaptureStatus> all;
  for (const std::string& name : names) {
    auto status = ask_for_status(directory, name);
    const bool is_stale = !status && options.names.empty() && status.error().error_number == ECONNREFUSED;
    if (is_stale) continue;
    if (!status) return tl::unexpected(std::move(status.error()));
    all.push_back(std::move(*status));
  }
  if (all.empty()) {
    return tl::unexpected(
        make_error("find captures in " + directory, "no ringtaild runs there", "start one, or name its --run-dir"));
  }
  return all;
}

std::string json_text(const std::vector<control::CaptureStatus>& captures, bool one_was_named) {
  if (one_was_named) return control::to_json_text(captures.front()) + "\n";
  std::string text;
  for (const auto& each : captures) text += (text.empty() ? "[" : ",\n ") + control::to_json_text(each);
  return text + "]\n";
}

std::size_t terminal_columns() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 200;
  return size.ws_col;
}

/// False when nobody looks any more.
bool show(const std::string& text, bool to_terminal) {
  if (to_terminal) std::fwrite(begin_of_screen.data(), 1, begin_of_screen.size(), stdout);
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0;
}

int watch(const StatOptions& options) {
  const bool to_terminal = isatty(STDOUT_FILENO) == 1;
  std::map<std::string, control::CaptureStatus> before;
  for (std::uint64_t round = 0; options.rounds == 0 || round < options.rounds; ++round) {
    if (round > 0) std::this_thread::sleep_for(std::chrono::duration<double>(options.interval_seconds));
    const auto captures = collect(options);
    if (!captures) return report(captures.error());
    std::vector<StatusPair> pairs;
    for (const control::CaptureStatus& now : *captures) {
      StatusPair& pair = pairs.emplace_back();
      pair.now = now;
      if (const auto found = before.find(now.name); found != before.end()) pair.before = found->second;
      before[now.name] = now;
    }
    if (!show(top_text(pairs, terminal_columns()), to_terminal)) return exit_done;
  }
  return exit_done;
}

}  // namespace

int run_stat(Arguments arguments) {
  CLI::App app{"Show how a daemon's captures are doing.", "ringtail stat"};
  StatOptions options;
  describe(app, "  ringtail stat\n  ringtail stat uplink --json\n");
  add_common_options(app, options);
  app.add_flag("--json", options.json, "an object for a NAME, else a list of them");
  if (const auto status = parse_command_line(app, arguments)) return *status;
  const auto captures = collect(options);
  if (!captures) return report(captures.error());
  std::string text;
  if (options.json) {
    text = json_text(*captures, options.names.size() == 1);
  } else {
    for (const control::CaptureStatus& each : *captures) text += stat_text(each);
  }
  std::fputs(text.c_str(), stdout);
  return exit_done;
}

int run_top(Arguments arguments) {
  CLI::App app{"Watch a daemon's captures.", "ringtail top"};
  StatOptions options;
  describe(app, "  ringtail top\n  ringtail top uplink --interval 0.5\n");
  add_common_options(app, options);
  app.add_option("--interval", options.interval_seconds, "default 1")->type_name("S")->check(CLI::Range(0.1, 3600.0));
  app.add_option("--rounds", options.rounds, "end after so many")->type_name("N");
  if (const auto status = parse_command_line(app, arguments)) return *status;
  return watch(options);
}

}  // namespace ringtail::tools
