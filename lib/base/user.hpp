// Who a process may become.
#pragma once

#include <string>
#include <sys/types.h>

#include <ringtail/error.hpp>

namespace ringtail::base {

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Looks a user up; to be done before anything is opened, lest a mistyped name cost somebody a file. Threads: while
/// there is only one.
[[nodiscard]] Result<User> find_user(const std::string& name);

}  // namespace ringtail::base
