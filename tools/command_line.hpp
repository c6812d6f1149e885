// What the sub-commands share in reading their command lines. Include it in few files: CLI11 takes long to compile.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>

#include "command.hpp"
#include "report.hpp"

namespace ringtail::tools {

/// Carries an Error through CLI11, which reports by throwing. Never leaves parse_command_line().
struct CommandLineError : CLI::ParseError {
  explicit CommandLineError(ringtail::Error why)
      : ParseError("CommandLineError", why.message(), exit_usage), error(std::move(why)) {}
  ringtail::Error error;
};

/// The value, or out of an option's callback with the error.
template <typename Value>
Value value_or_throw(Result<Value> result) {
  if (!result) throw CommandLineError(std::move(result.error()));
  if constexpr (!std::is_void_v<Value>) return *std::move(result);
}

/// Names the program, its examples (printed below the options) and --version.
void describe(CLI::App& app, const std::string& examples);

/// --eal, --no-huge and --file-prefix: how DPDK is started; --mtu: of the port. The same for all dpdk: devices of the
/// command.
void add_dpdk_options(CLI::App& app, DpdkOptions& dpdk);
/// --busy-poll: OpenOptions::busy_poll.
void add_busy_poll(CLI::App& app, bool& busy_poll);

/// Reads the arguments into what `app` is bound to. Nothing returned: go on. Else the exit status: 0 after --help, 2
/// after a mistake, which has been reported.
[[nodiscard]] std::optional<int> parse_command_line(CLI::App& app, Arguments arguments);

/// The words of a filter that stood on the command line one by one, as with tcpdump.
[[nodiscard]] std::string join_words(const std::vector<std::string>& words);

}  // namespace ringtail::tools
