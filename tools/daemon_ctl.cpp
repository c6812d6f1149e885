// ringtail ctl: tells a daemon's capture what to do.
#include <cstdio>

#include "command_line.hpp"
#include "control/client.hpp"
#include "control/socket_path.hpp"

namespace ringtail::tools {

namespace {

constexpr const char* ctl_examples =
    "  ringtail ctl uplink rotate\n"
    "  ringtail ctl uplink filter tcp port 443\n"
    "  ringtail ctl uplink pause && ringtail ctl uplink resume\n"
    "operations:\n"
    "  pause, resume   go on reading, without writing; write again\n"
    "  rotate          begin the next file now\n"
    "  filter EXPR     capture what EXPR matches from now on; without one, everything\n"
    "  dump            write what its flight recorder holds into its storage (see ringtail dump)\n"
    "  reload          take over what has changed in the daemon's configuration\n"
    "  stop            end this capture\n";

Result<control::Request> request_of(const std::string& operation, const std::vector<std::string>& words) {
  const auto known = control::operation_named(operation);
  if (!known || *known == control::Operation::stat) {
    return tl::unexpected(
        usage_error("ringtail ctl", "there is no operation '" + operation + "'", "see ringtail ctl --help"));
  }
  if (*known != control::Operation::filter && !words.empty()) {
    return tl::unexpected(usage_error("ringtail ctl " + operation, "nothing can follow it"));
  }
  return control::Request{.operation = *known, .filter = join_words(words)};
}

}  // namespace

int run_ctl(Arguments arguments) {
  CLI::App app{"Tell a daemon's capture what to do.", "ringtail ctl"};
  std::string name;
  std::string operation;
  std::vector<std::string> words;
  std::string run_directory;
  describe(app, ctl_examples);
  app.add_option("--run-dir", run_directory, "where its socket is ($RINGTAIL_RUN_DIR, /run/ringtail)")
      ->type_name("DIR");
  app.add_option("NAME", name, "the capture")->required()->type_name("");
  app.add_option("OPERATION", operation, "what to do")->required()->type_name("");
  app.add_option("EXPR", words, "the filter")->type_name("");
  if (const auto status = parse_command_line(app, arguments)) return *status;
  const auto request = request_of(operation, words);
  if (!request) return report(request.error());
  auto client = control::Client::connect(control::run_directory(run_directory), name);
  if (!client) return report(client.error());
  constexpr std::chrono::minutes patience{1};  // a new filter waits until the old ring is empty
  const auto answer = client->ask(*request, patience);
  if (!answer) return report(answer.error());
  return answer->ok() ? exit_done : report(make_error(operation + " " + name, *answer->error));
}

}  // namespace ringtail::tools
