// The configuration: a TOML file, or options that stand for one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "settings.hpp"

namespace ringtail::daemon {

/// What a configuration says; `mistakes` is empty when it can be used.
struct Configuration {
  Settings settings{};
  std::vector<std::string> mistakes{};  ///< "<file>:<line>: <key>: <what>", in the order of the file
};

/// `name` stands for the text in mistakes.
[[nodiscard]] Configuration parse_configuration(std::string_view text, const std::string& name);

/// A file that cannot be read is a mistake, too.
[[nodiscard]] Configuration read_configuration(const std::string& path);

}  // namespace ringtail::daemon
