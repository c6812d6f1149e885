// Users and groups, as a configuration names them.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <sys/types.h>

#include "table_reader.hpp"

namespace ringtail::daemon {

// Threads: the one that reads the configuration.
[[nodiscard]] std::optional<uid_t> user_named(const std::string& name);
[[nodiscard]] std::optional<gid_t> group_named(const std::string& name);

/// A list of names; one that there is not is a mistake.
void read_users(TableReader& keys, const char* key, std::set<uid_t>& users);
void read_groups(TableReader& keys, const char* key, std::set<gid_t>& groups);

}  // namespace ringtail::daemon
