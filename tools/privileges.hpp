// Giving up root.
#pragma once

#include <string>
#include <sys/types.h>

#include <ringtail/error.hpp>

namespace ringtail::tools {

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Looks a user up; to be done before anything is opened, lest a mistyped name cost somebody a file.
[[nodiscard]] Result<User> find_user(const std::string& name);

/// Becomes `user`, with the user's groups and without any capability, in all threads. Does nothing when the process is
/// that user already. Descriptors that are open stay open: a capture goes on, a new one cannot be started.
[[nodiscard]] Result<void> become(const User& user);

}  // namespace ringtail::tools
