#include "privileges.hpp"

#include <cap-ng.h>
#include <cerrno>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "landlock.hpp"
#include "log.hpp"
#include "system_calls.hpp"

namespace ringtail::daemon {

namespace {

tl::unexpected<Error> failed(const std::string& what) {
  return tl::unexpected(system_error("give up privileges", errno, what));
}

/// This thread keeps that one capability, if it has it, or none.
Result<void> keep_capability(std::optional<unsigned> capability) {
  capng_get_caps_process();  // despite its name: the calling thread's
  const bool has_it = capability && capng_have_capability(CAPNG_PERMITTED, *capability) == 1;
  capng_clear(CAPNG_SELECT_CAPS);
  if (has_it) {
    const auto sets = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
    capng_update(CAPNG_ADD, sets, *capability);
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // ambient ones would come back with the next thread
  if (capng_apply(CAPNG_SELECT_CAPS) != 0) return failed("drop capabilities");
  return {};
}

/// glibc makes these calls for all threads. The kernel clears a thread's capabilities when its uids leave 0, unless it
/// has asked to keep them (capabilities(7), SECBIT_KEEP_CAPS); the opener has.
Result<void> become(const base::User& user) {
  if (::getuid() == user.uid && ::geteuid() == user.uid) return {};
  if (::initgroups(user.name.c_str(), user.gid) != 0) return failed("set the groups of " + user.name);
  if (::setresgid(user.gid, user.gid, user.gid) != 0) return failed("set the group of " + user.name);
  if (::setresuid(user.uid, user.uid, user.uid) != 0) return failed("become " + user.name);
  return {};
}

/// On the opener's thread.
Result<void> limit_opener(const PrivilegesToKeep& keep) {
  if (!keep.uses_dpdk) {
    if (auto kept = keep_capability(CAP_NET_RAW); !kept) return kept;
  }
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);  // cannot fail with these arguments (prctl(2))
  if (keep.uses_dpdk) return {};
  if (auto limited = limit_writing(keep.writable_directories); !limited) return limited;
  return limit_system_calls(ThreadRole::opener);
}

Result<void> limit_others(const PrivilegesToKeep& keep) {
  if (auto dropped = keep_capability(std::nullopt); !dropped) return dropped;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (keep.uses_dpdk) {
    log(LogLevel::warning, "", "DPDK is used: Landlock and seccomp are left out");
    return {};
  }
  if (auto limited = limit_writing(keep.writable_directories); !limited) return limited;
  return limit_system_calls(ThreadRole::other);
}

}  // namespace

Result<void> drop_privileges(const PrivilegesToKeep& keep, Opener& opener) {
  opener.run([] { prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0); });
  if (keep.user) {
    if (auto became = become(*keep.user); !became) return became;
  }
  Result<void> limited;
  opener.run([&] { limited = limit_opener(keep); });
  if (!limited) return limited;
  return limit_others(keep);
}

}  // namespace ringtail::daemon
