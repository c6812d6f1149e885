#include "unit/filter/private_network.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sched.h>
#include <thread>

#include <ringtail/error.hpp>

namespace ringtail::filter::test {

namespace {

std::string leave_for_new_namespace() {
  if (unshare(CLONE_NEWNET) != 0) return system_error("enter a network namespace", errno).message();
  // Before any link exists: neighbour discovery would send frames that no test counts on.
  const bool quiet = !std::ifstream("/proc/sys/net/ipv6/conf/default/disable_ipv6") ||
                     run("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
  return quiet ? "" : "IPv6 cannot be switched off";
}

}  // namespace

std::string in_private_network(const std::function<void()>& body) {
  std::string obstacle;
  std::thread([&] {
    obstacle = leave_for_new_namespace();
    if (obstacle.empty()) body();
  }).join();
  return obstacle;
}

bool run(const std::string& command) {
  return std::system(command.c_str()) == 0;  // NOLINT(concurrency-mt-unsafe): nothing here changes signal handling
}

}  // namespace ringtail::filter::test
