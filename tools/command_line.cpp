#include "command_line.hpp"

#include <cstdio>

#include "report.hpp"
#include "version.hpp"

namespace ringtail::tools {

namespace {

constexpr const char* dpdk_group = "DPDK";  // of options, in the help
constexpr unsigned smallest_mtu = 68;       // every link's (RFC 791)
constexpr unsigned largest_mtu = 65535;

}  // namespace

void describe(CLI::App& app, const std::string& examples) {
  app.footer("\nexamples:\n" + examples);
  app.set_version_flag("-v,--version", "ringtail " + std::string(version()));
  app.get_formatter()->column_width(34);
}

void add_dpdk_options(CLI::App& app, DpdkOptions& dpdk) {
  app.add_option("--eal", dpdk.eal_arguments, "arguments for EAL")->type_name("ARGS")->group(dpdk_group);
  app.add_flag_callback(
         "--no-huge", [&dpdk] { dpdk.huge_pages = false; }, "do without huge pages")
      ->group(dpdk_group);
  app.add_option("--file-prefix", dpdk.file_prefix, "EAL's file prefix (default: none, no other process joins)")
      ->type_name("NAME")
      ->group(dpdk_group);
  app.add_option("--mtu", dpdk.mtu, "MTU of the port (default: as it is)")
      ->type_name("BYTES")
      ->check(CLI::Range(smallest_mtu, largest_mtu))
      ->group(dpdk_group);
}

void add_busy_poll(CLI::App& app, bool& busy_poll) {
  app.add_flag("--busy-poll", busy_poll, "dpdk:, ringtail: never sleep between two looks");
}

std::optional<int> parse_command_line(CLI::App& app, Arguments arguments) {
  try {
    app.parse(static_cast<int>(arguments.size()), arguments.data());
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return exit_done;
  } catch (const CLI::CallForVersion& call) {
    std::fputs((std::string(call.what()) + "\n").c_str(), stdout);
    return exit_done;
  } catch (const CommandLineError& bad) {
    return report(bad.error);
  } catch (const CLI::Error& bad) {
    return report(usage_error(app.get_name(), bad.what(), "see " + app.get_name() + " --help"));
  }
}

std::string join_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

}  // namespace ringtail::tools
