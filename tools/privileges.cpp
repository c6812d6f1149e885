#include "privileges.hpp"

#include <cerrno>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace ringtail::tools {

Result<void> become(const base::User& user) {
  if (getuid() == user.uid && geteuid() == user.uid) return {};
  const auto failed = [&user](const char* what) {
    return tl::unexpected(system_error("become user " + user.name, errno, what));
  };
  // Groups first: only root may change them. glibc makes these calls for all threads, and the kernel clears a thread's
  // capabilities when its uids leave 0 (capabilities(7)).
  if (initgroups(user.name.c_str(), user.gid) != 0) return failed("set the groups");
  if (setresgid(user.gid, user.gid, user.gid) != 0) return failed("set the group");
  if (setresuid(user.uid, user.uid, user.uid) != 0) return failed("set the user");
  if (user.uid != 0 && setuid(0) == 0) {
    return tl::unexpected(make_error("become user " + user.name, "root could be regained"));
  }
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);  // cannot fail with these arguments (prctl(2))
  return {};
}

}  // namespace ringtail::tools
