#include "bench/system_calls.hpp"

#include <cerrno>
#include <fstream>
#include <linux/perf_event.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace ringtail::bench {

namespace {

/// The kernel's number of the tracepoint, from tracefs.
std::optional<std::uint64_t> tracepoint_number() {
  for (const char* root : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    std::ifstream file(std::string(root) + "/events/raw_syscalls/sys_enter/id");
    if (std::uint64_t number = 0; file >> number) return number;
  }
  return std::nullopt;
}

}  // namespace

Result<SystemCallCounter> SystemCallCounter::attach(int pid) {
  const char* const operation = "count system calls";
  const auto number = tracepoint_number();
  if (!number) return tl::unexpected(make_error(operation, "tracefs is not there or not for us"));
  perf_event_attr attributes = {};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = *number;
  attributes.inherit = 1;
  const long event = ::syscall(SYS_perf_event_open, &attributes, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (event < 0) return tl::unexpected(system_error(operation, errno, "perf_event_open"));
  return SystemCallCounter(base::FileDescriptor(static_cast<int>(event)));
}

std::uint64_t SystemCallCounter::count() const noexcept {
  std::uint64_t count = 0;
  return ::read(event_.get(), &count, sizeof count) == sizeof count ? count : 0;
}

}  // namespace ringtail::bench
