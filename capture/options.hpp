// The command line of ringtaild.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "configuration.hpp"

namespace ringtail::daemon {

struct Options {
  std::string configuration_path = "/etc/ringtail/ringtaild.toml";
  std::string one_off{};        ///< a configuration made of -i, -w and so on; empty: the file's
  std::string run_directory{};  ///< wins over the configuration's
  bool check = false;           ///< only say whether the configuration can be used
};

/// Nothing returned: `options` holds what the command line says. Else the exit status; why has been told.
[[nodiscard]] std::optional<int> read_options(std::span<char* const> arguments, Options& options);

/// The file, or what the command line stands for.
[[nodiscard]] Configuration load_configuration(const Options& options);

}  // namespace ringtail::daemon
