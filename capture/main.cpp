// ringtaild: captures on interfaces around the clock.
#include <cstdio>
#include <fmt/format.h>
#include <sys/resource.h>

#include "daemon.hpp"
#include "log.hpp"
#include "obstacles.hpp"
#include "options.hpp"

namespace ringtail::daemon {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

int report(const Error& error) {
  std::fputs(("ringtaild: " + error.message() + "\n").c_str(), stderr);
  return error.bad_usage ? exit_usage : exit_failed;
}

int refuse(const Configuration& configuration) {
  for (const std::string& mistake : configuration.mistakes) std::fputs((mistake + "\n").c_str(), stderr);
  return exit_usage;
}

/// Analyzers bring descriptors, several each. The usual soft limit is for programs that use select(2).
void use_all_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(std::span<char* const> arguments) {
  Options options;
  if (const auto status = read_options(arguments, options)) return *status;
  const Configuration configuration = load_configuration(options);
  if (!configuration.mistakes.empty()) return refuse(configuration);
  if (options.check) {
    Opener opener;
    const std::vector<std::string> obstacles = find_obstacles(configuration, opener);
    for (const std::string& obstacle : obstacles) std::fputs((obstacle + "\n").c_str(), stderr);
    if (!obstacles.empty()) return exit_failed;
    std::puts(fmt::format("{} capture(s), no mistakes", configuration.settings.captures.size()).c_str());
    return 0;
  }
  use_all_descriptors();
  set_up_log(configuration.settings.log_level);
  auto daemon = Daemon::start(options, configuration.settings);
  if (!daemon) return report(daemon.error());
  return (*daemon)->run() ? 0 : exit_failed;
}

}  // namespace
}  // namespace ringtail::daemon

int main(int argument_count, char** argument_values) {
  return ringtail::daemon::run({argument_values, static_cast<std::size_t>(argument_count)});
}
