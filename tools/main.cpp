// ringtail: one program, many sub-commands.
#include <cstdio>
#include <string_view>

#include "command.hpp"
#include "report.hpp"
#include "version.hpp"

namespace ringtail::tools {
namespace {

struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(Arguments arguments);
};

constexpr Command commands[] = {
    {"bench", "measure this machine, its disk, and capture programs on it", run_bench},
    {"capture", "record packets into pcapng or pcap files", run_capture},
    {"count", "count packets and bytes; the smallest analyzer", run_count},
    {"ctl", "tell a daemon's capture what to do", run_ctl},
    {"dump", "write what a daemon's flight recorder holds into a file", run_dump},
    {"list", "show the interfaces of this machine", run_list},
    {"recover", "make capture files whole again after a crash", run_recover},
    {"send", "send the packets of a file, or made ones", run_send},
    {"stat", "show how a daemon's captures are doing", run_stat},
    {"top", "watch a daemon's captures", run_top},
};

constexpr std::string_view usage = "usage: ringtail COMMAND [OPTIONS] [FILTER]\n";

constexpr std::string_view examples =
    "\nringtail COMMAND --help tells more.\n"
    "\nexamples:\n"
    "  ringtail list\n"
    "  ringtail count -i eth0 tcp port 443\n"
    "  ringtail capture -i eth0 -w web.pcapng -a duration:60 tcp port 443\n";

std::string help_text() {
  std::string text(usage);
  text += "\ncommands:\n";
  for (const Command& command : commands) {
    text.append("  ").append(command.name).append(12 - command.name.size(), ' ').append(command.summary).append("\n");
  }
  return text.append(examples);
}

int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return exit_done;
}

int run(Arguments arguments) {
  if (arguments.size() < 2) {
    std::fputs(help_text().c_str(), stderr);
    return exit_usage;
  }
  const std::string_view name = arguments[1];
  if (name == "--help" || name == "-h") return print(help_text());
  if (name == "--version" || name == "-v") return print("ringtail " + std::string(version()) + "\n");
  for (const Command& command : commands) {
    if (command.name == name) return command.run(arguments.subspan(1));
  }
  return report(usage_error("ringtail " + std::string(name), "there is no such command", "see ringtail --help"));
}

}  // namespace
}  // namespace ringtail::tools

int main(int argument_count, char** argument_values) {
  return ringtail::tools::run({argument_values, static_cast<std::size_t>(argument_count)});
}
