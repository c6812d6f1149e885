// A measured process: it waits at a gate until everything around it is ready, and its account is taken from outside
// when it has ended.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ringtail/error.hpp>

#include "base/deadline.hpp"
#include "base/file_descriptor.hpp"
#include "bench/usage.hpp"

namespace ringtail::bench {

using Command = std::vector<std::string>;

struct ChildSettings {
  int cpu = -1;             ///< the CPU it runs on; negative: any
  std::string output_path;  ///< where its stdout and stderr go; empty: /dev/null
};

struct Ended {
  int exit_status = 0;  ///< 128 + signal number when a signal ended it
  ProcessUsage usage;
};

/// A child of ours in a process group of its own, so that Ctrl-C reaches only us. It dies with us at the latest.
/// Destroying a running one kills it. Threads: one at a time, and no other threads around create().
class ChildProcess {
 public:
  /// Forks. In the child `body` runs once release() was called; what it returns is the exit status.
  [[nodiscard]] static Result<ChildProcess> run(const ChildSettings& settings, const std::function<int()>& body);

  /// Forks and executes a program, found along PATH.
  [[nodiscard]] static Result<ChildProcess> execute(const ChildSettings& settings, const Command& command);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  [[nodiscard]] int pid() const noexcept { return pid_; }
  /// Opens the gate.
  void release() noexcept;
  void signal(int number) noexcept;
  [[nodiscard]] bool has_ended() const noexcept;
  /// CPU time that it and its threads, not its children, have used so far; 0 when it has ended.
  [[nodiscard]] double cpu_ns_so_far() const noexcept;
  /// Waits for the end and takes the account. A child that outlives the deadline is killed, which is an error.
  [[nodiscard]] Result<Ended> wait(const base::Deadline& deadline);

 private:
  ChildProcess(int pid, base::FileDescriptor handle, base::FileDescriptor gate) noexcept;

  int pid_;                      // 0: waited for already
  base::FileDescriptor handle_;  // pidfd
  base::FileDescriptor gate_;
};

struct ProgramOutput {
  int exit_status = 0;
  std::string text;  ///< stdout and stderr
};

/// Runs a program to its end; an error when it cannot be executed or takes longer than ten seconds.
[[nodiscard]] Result<ProgramOutput> run_program(const Command& command);

/// "ip link show"; the program without its folder.
[[nodiscard]] std::string to_text(const Command& command);

}  // namespace ringtail::bench
