// ringtail dump: writes what a daemon's flight recorder holds into a file.
#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "command_line.hpp"
#include "control/client.hpp"
#include "control/socket_path.hpp"
#include "store/output_file.hpp"
#include "values.hpp"

namespace ringtail::tools {

namespace {

struct DumpOptions {
  std::string name;
  std::string last;
  std::string path;
  std::string run_directory;
  bool group_readable = false;
  bool as_json = false;
};

std::optional<int> read_options(Arguments arguments, DumpOptions& options) {
  CLI::App app{"Write what a daemon's flight recorder holds into a file. What is written leaves the recorder.",
               "ringtail dump"};
  describe(app,
           "  ringtail dump uplink --last 30s -w out.pcapng\n"
           "  ringtail dump uplink          # into the capture's own storage\n");
  app.add_option("NAME", options.name, "the capture")->required()->type_name("");
  app.add_option("--last", options.last, "only packets of the last S seconds; default: all it holds")->type_name("S");
  app.add_option("-w,--write", options.path, "default: a file in the capture's storage")->type_name("PATH");
  app.add_flag("-g", options.group_readable, "mode 0640 instead of 0600");
  app.add_flag("--json", options.as_json, "say what was written as JSON");
  app.add_option("--run-dir", options.run_directory, "where its socket is ($RINGTAIL_RUN_DIR, /run/ringtail)")
      ->type_name("DIR");
  return parse_command_line(app, arguments);
}

/// "30s", "0.5", as people write it.
Result<std::optional<double>> last_seconds(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text.ends_with('s')) text.remove_suffix(1);
  return parse_seconds("--last", text).map([](std::chrono::nanoseconds last) {
    return std::optional(std::chrono::duration<double>(last).count());
  });
}

void print(const control::DumpReport& report, const DumpOptions& options) {
  const std::string& path = options.path.empty() ? report.path : options.path;
  if (options.as_json) {
    const nlohmann::ordered_json account{{"path", path}, {"packets", report.packets}, {"bytes", report.bytes}};
    fmt::print("{}\n", account.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  } else {
    fmt::print("{}: {} packets, {} bytes\n", path, report.packets, report.bytes);
  }
}

/// Opened here, with the asker's rights, so that nobody writes anywhere with the daemon's. An older file stays until
/// there is something to replace it.
Result<store::OutputFile> open_file(const DumpOptions& options) {
  if (options.path.empty()) return store::OutputFile{};
  return store::open_beside(options.path, options.group_readable);
}

Result<control::DumpReport> ask_for_dump(control::Client& client, const DumpOptions& options,
                                         const std::optional<double>& last, const store::OutputFile& file) {
  constexpr std::chrono::minutes patience{10};  // as long as it takes to write a ring to a slow disk
  const control::Request request{.operation = control::Operation::dump, .last_seconds = last};
  auto answer = client.ask(request, patience, file.descriptor.get());
  if (!answer) return tl::unexpected(std::move(answer.error()));
  if (!answer->ok()) return tl::unexpected(make_error("ask capture " + options.name, *answer->error));
  return answer->dump.value_or(control::DumpReport{});
}

/// What was written has left the recorder, so it is kept after an error, too. A file that did not even get a header is
/// of no use to anybody.
Result<void> settle(store::OutputFile& file, const std::string& path) {
  struct stat status {};
  const bool is_empty = ::fstat(file.descriptor.get(), &status) == 0 && status.st_size == 0;
  if (!file.is_ours || !is_empty) return store::take_place(file, path);
  store::remove_output(file.path, file.device, file.inode);
  return {};
}

}  // namespace

int run_dump(Arguments arguments) {
  DumpOptions options;
  if (const auto status = read_options(arguments, options)) return *status;
  const auto last = last_seconds(options.last);
  if (!last) return report(last.error());
  auto client = control::Client::connect(control::run_directory(options.run_directory), options.name);
  if (!client) return report(client.error());
  auto file = open_file(options);
  if (!file) return report(file.error());
  const auto dumped = ask_for_dump(*client, options, *last, *file);
  const auto settled = settle(*file, options.path);
  if (!dumped) return report(dumped.error());
  if (!settled) return report(settled.error());
  print(*dumped, options);
  return exit_done;
}

}  // namespace ringtail::tools
