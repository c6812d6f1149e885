// A network namespace for one test: a thread of its own lives in it, everything else stays where it is.
#pragma once

#include <functional>
#include <string>

namespace ringtail::filter::test {

/// Runs `body` on a thread in a fresh network namespace without IPv6, whose lo is down. Returns why that is not
/// possible here, or an empty string once `body` is done. The namespace goes with the thread and its sockets.
[[nodiscard]] std::string in_private_network(const std::function<void()>& body);

/// Runs a shell command in the calling thread's namespace; true when it succeeded.
[[nodiscard]] bool run(const std::string& command);

}  // namespace ringtail::filter::test
