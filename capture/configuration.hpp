// The configuration: a TOML file, or options that stand for one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "settings.hpp"

namespace ringtail::daemon {

/// Where a capture's keys stand, for what is found wrong later: "<file>:<line>: <key>".
struct CapturePlaces {
  std::string filter{};
  std::string ring{};
  std::string cpus{};
  std::string trigger{};
};

/// What a configuration says; `mistakes` is empty when it makes sense. What this machine makes of it is another matter:
/// obstacles.hpp.
struct Configuration {
  Settings settings{};
  std::string place_of_user{};
  std::vector<CapturePlaces> places{};  ///< by capture
  std::vector<std::string> mistakes{};  ///< "<file>:<line>: <key>: <what>", in the order of the file
};

/// `name` stands for the text in mistakes.
[[nodiscard]] Configuration parse_configuration(std::string_view text, const std::string& name);

/// A file that cannot be read is a mistake, too.
[[nodiscard]] Configuration read_configuration(const std::string& path);

}  // namespace ringtail::daemon
