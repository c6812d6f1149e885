#include "landlock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file_descriptor.hpp"
#include "log.hpp"

namespace ringtail::daemon {

namespace {

// What there has been since Linux 5.13, the first version of this interface.
constexpr std::uint64_t changes = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                  LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                  LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
constexpr std::uint64_t allowed_changes = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                          LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK;

Result<void> allow(int ruleset, const std::string& directory) {
  const base::FileDescriptor opened(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  landlock_path_beneath_attr rule{};
  rule.allowed_access = allowed_changes;
  rule.parent_fd = opened.get();
  if (opened.is_open() && ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) {
    return {};
  }
  return tl::unexpected(system_error("limit writing to " + directory, errno, directory));
}

}  // namespace

Result<void> limit_writing(const std::vector<std::string>& directories) {
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = changes;
  const base::FileDescriptor ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!ruleset.is_open()) {
    // EPERM: a container's system call filter from before Landlock. What such a filter does not know is refused.
    if (errno != ENOSYS && errno != EOPNOTSUPP && errno != EPERM) {
      return tl::unexpected(system_error("limit writing to directories", errno, "Landlock"));
    }
    log(LogLevel::warning, "", "there is no Landlock here: file permissions alone protect other directories");
    return {};
  }
  for (const std::string& directory : directories) {
    if (auto allowed = allow(ruleset.get(), directory); !allowed) return allowed;
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0) return {};
  return tl::unexpected(system_error("limit writing to directories", errno, "Landlock"));
}

}  // namespace ringtail::daemon
