// Counts the system calls of any process, ours or somebody else's, from outside.
#pragma once

#include <cstdint>
#include <optional>

#include <ringtail/error.hpp>

#include "base/file_descriptor.hpp"

namespace ringtail::bench {

/// A counting perf event on the tracepoint raw_syscalls:sys_enter. While one is open every system call of the process
/// takes the kernel's slower, traced way, so runs that are counted are not timed.
class SystemCallCounter {
 public:
  /// Counts from here on: `pid`, and the threads and children it makes from now on. Needs root (or
  /// perf_event_paranoid < 0) and tracefs.
  [[nodiscard]] static Result<SystemCallCounter> attach(int pid);

  /// So far; complete once the process has been waited for.
  [[nodiscard]] std::uint64_t count() const noexcept;

 private:
  explicit SystemCallCounter(base::FileDescriptor event) : event_(std::move(event)) {}
  base::FileDescriptor event_;
};

}  // namespace ringtail::bench
