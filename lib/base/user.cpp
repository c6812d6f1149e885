#include "base/user.hpp"

#include <cerrno>
#include <pwd.h>

namespace ringtail::base {

Result<User> find_user(const std::string& name) {
  errno = 0;
  const passwd* entry = ::getpwnam(name.c_str());  // NOLINT(concurrency-mt-unsafe): there is no other thread yet
  if (entry != nullptr) return User{.name = name, .uid = entry->pw_uid, .gid = entry->pw_gid};
  if (errno != 0) return tl::unexpected(system_error("look up user " + name, errno));
  return tl::unexpected(make_error("become user " + name, "there is no such user"));
}

}  // namespace ringtail::base
