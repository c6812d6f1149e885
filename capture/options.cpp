#include "options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <sstream>
#include <toml++/toml.h>
#include <vector>

#include "control/socket_path.hpp"
#include "version.hpp"

namespace ringtail::daemon {

namespace {

constexpr int exit_usage = 2;

constexpr const char* examples =
    "\nexamples:\n"
    "  ringtaild --check -c ringtaild.toml\n"
    "  ringtaild -c ringtaild.toml\n"
    "  ringtaild -i eth0 -w /var/lib/ringtail\n"
    "  ringtaild -i eth0                              # for analyzers: ringtail count -i ringtail:eth0\n"
    "  ringtaild -i eth0 -i eth1 -w /data -f 'tcp port 443' --set storage.rotate_bytes=1000000000\n";

/// What stands for a configuration on the command line.
struct OneOff {
  std::vector<std::string> interfaces;
  std::string directory;
  std::string filter;
  std::string name;
  std::vector<std::string> settings;  ///< "key=value"
};

std::string quoted(const std::string& text) {
  std::stringstream stream;
  stream << toml::value<std::string>(text);
  return stream.str();
}

/// A value as it is, if TOML can read it, else as a text: writer=direct means writer="direct".
std::string as_value(const std::string& text) {
  try {
    (void)toml::parse("value = " + text);
    return text;
  } catch (const toml::parse_error&) {
    return quoted(text);
  }
}

bool is_top_level(const std::string& key) {
  const std::string first = key.substr(0, key.find('.'));
  return first == "user" || first == "log_level" || first == "metrics" || first == "run_dir" || first == "access";
}

/// Without files packets are only lent, which a configuration has to say.
bool says_where_packets_go(const OneOff& one_off) {
  return !one_off.directory.empty() ||
         std::any_of(one_off.settings.begin(), one_off.settings.end(), [](const std::string& setting) {
           return setting.starts_with("storage.directory") || setting.starts_with("share.") ||
                  setting.starts_with("flight.");
         });
}

std::string as_configuration(const OneOff& one_off) {
  std::string top;
  std::string capture = "[[capture]]\n";
  if (!one_off.name.empty()) capture += "name = " + quoted(one_off.name) + "\n";
  capture += "interfaces = [";
  for (const std::string& interface : one_off.interfaces) capture += quoted(interface) + ", ";
  capture += "]\n";
  if (!one_off.filter.empty()) capture += "filter = " + quoted(one_off.filter) + "\n";
  if (!one_off.directory.empty()) capture += "storage.directory = " + quoted(one_off.directory) + "\n";
  if (!says_where_packets_go(one_off)) capture += "share.enabled = true\n";
  for (const std::string& setting : one_off.settings) {
    const std::size_t equals = std::min(setting.find('='), setting.size());
    const std::string key = setting.substr(0, equals);
    const std::string value = equals < setting.size() ? setting.substr(equals + 1) : "true";
    (is_top_level(key) ? top : capture) += key + " = " + as_value(value) + "\n";
  }
  return top + capture;
}

}  // namespace

std::optional<int> read_options(std::span<char* const> arguments, Options& options) {
  CLI::App app{"Capture on interfaces around the clock.", "ringtaild"};
  OneOff one_off;
  app.footer(examples);
  app.set_version_flag("-v,--version", "ringtaild " + std::string(version()));
  app.add_option("-c,--configuration", options.configuration_path, "default " + options.configuration_path)
      ->type_name("FILE");
  app.add_flag("--check", options.check, "say whether the configuration can be used, and exit");
  app.add_option("--run-dir", options.run_directory,
                 "where control sockets are (default $RINGTAIL_RUN_DIR, /run/ringtail)")
      ->type_name("DIR");
  constexpr const char* group = "One capture without a configuration file";
  auto* interface = app.add_option("-i,--interface", one_off.interfaces, "repeatable")->type_name("DEV")->group(group);
  interface->allow_extra_args(false);
  const auto add = [&](const char* names, auto& target, const char* type, const char* help) {
    app.add_option(names, target, help)->type_name(type)->group(group)->needs(interface)->allow_extra_args(false);
  };
  add("-w,--write", one_off.directory, "DIR", "where its files go; without, packets are only lent to analyzers");
  add("-f,--filter", one_off.filter, "EXPR", "pcap-filter text");
  add("--name", one_off.name, "NAME", "default: the interface's");
  add("--set", one_off.settings, "KEY=VALUE",
      "any key of a [[capture]], as threads=2, storage.quota_bytes=1000000000, or one that stands before them, as "
      "metrics.port=9469, access='[{group=\"adm\", operations=[\"stat\"]}]'");
  try {
    app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::CallForVersion& call) {
    std::fputs((std::string(call.what()) + "\n").c_str(), stdout);
    return 0;
  } catch (const CLI::Error& bad) {
    std::fputs(fmt::format("ringtaild: {}; see ringtaild --help\n", bad.what()).c_str(), stderr);
    return exit_usage;
  }
  if (!one_off.interfaces.empty()) options.one_off = as_configuration(one_off);
  return std::nullopt;
}

Configuration load_configuration(const Options& options) {
  Configuration configuration = options.one_off.empty() ? read_configuration(options.configuration_path)
                                                        : parse_configuration(options.one_off, "command line");
  std::string& directory = configuration.settings.run_directory;
  const bool is_set_outside =
      !options.run_directory.empty() || std::getenv("RINGTAIL_RUN_DIR") != nullptr;  // NOLINT(concurrency-mt-unsafe)
  if (is_set_outside || directory.empty()) directory = control::run_directory(options.run_directory);
  return configuration;
}

}  // namespace ringtail::daemon
