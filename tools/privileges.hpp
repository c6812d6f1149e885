// Giving up root.
#pragma once

#include <ringtail/error.hpp>

#include "base/user.hpp"

namespace ringtail::tools {

/// Becomes `user`, with the user's groups and without any capability, in all threads. Does nothing when the process is
/// that user already. Descriptors that are open stay open: a capture goes on, a new one cannot be started.
[[nodiscard]] Result<void> become(const base::User& user);

}  // namespace ringtail::tools
