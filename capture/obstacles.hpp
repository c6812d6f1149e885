// What a configuration without mistakes asks for, and this machine does not have.
#pragma once

#include <string>
#include <vector>

#include "configuration.hpp"
#include "opener.hpp"

namespace ringtail::daemon {

/// Users, CPUs, rings that cannot be laid out, filters and triggers that cannot be compiled: each with file, line and
/// key, as mistakes are. A filter that only the privileged can compile (`vlan`) is not judged when they do not ask.
[[nodiscard]] std::vector<std::string> find_obstacles(const Configuration& configuration, Opener& opener);

}  // namespace ringtail::daemon
