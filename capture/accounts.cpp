#include "accounts.hpp"

#include <grp.h>
#include <pwd.h>
#include <vector>

namespace ringtail::daemon {

// NOLINTBEGIN(concurrency-mt-unsafe): the configuration is read by one thread
std::optional<uid_t> user_named(const std::string& name) {
  const passwd* entry = ::getpwnam(name.c_str());
  return entry == nullptr ? std::nullopt : std::optional(entry->pw_uid);
}

std::optional<gid_t> group_named(const std::string& name) {
  const ::group* entry = ::getgrnam(name.c_str());
  return entry == nullptr ? std::nullopt : std::optional(entry->gr_gid);
}
// NOLINTEND(concurrency-mt-unsafe)

void read_users(TableReader& keys, const char* key, std::set<uid_t>& users) {
  std::vector<std::string> names;
  keys.texts(key, names);
  for (const std::string& name : names) {
    const auto user = user_named(name);
    if (user) users.insert(*user);
    if (!user) keys.mistake(key, "there is no user " + name);
  }
}

void read_groups(TableReader& keys, const char* key, std::set<gid_t>& groups) {
  std::vector<std::string> names;
  keys.texts(key, names);
  for (const std::string& name : names) {
    const auto group = group_named(name);
    if (group) groups.insert(*group);
    if (!group) keys.mistake(key, "there is no group " + name);
  }
}

}  // namespace ringtail::daemon
