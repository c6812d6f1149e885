// Signals as things to read, not as things that interrupt.
#pragma once

#include <optional>

#include <ringtail/source.hpp>

#include "base/file_descriptor.hpp"

namespace ringtail::tools {

/// SIGINT, SIGTERM, SIGUSR1 and, unless the parent has it ignored (nohup), SIGHUP, to be read one by one. SIGPIPE is
/// ignored: a reader that goes away is a write error. Create it before any thread, so that all have them blocked.
class SignalQueue {
 public:
  [[nodiscard]] static Result<SignalQueue> create();

  /// Readable when next() has something.
  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

  /// The next signal that has arrived, if any. Does not wait.
  [[nodiscard]] std::optional<int> next() noexcept;

 private:
  explicit SignalQueue(base::FileDescriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}
  base::FileDescriptor descriptor_;
};

/// Ends the process as `signal` does when nobody handles it.
[[noreturn]] void die_of(int signal);

/// While it lives, SIGINT and SIGTERM make the source's receive() say `interrupted`. For programs with one source.
class InterruptOnSignal {
 public:
  explicit InterruptOnSignal(Source& source);
  ~InterruptOnSignal();
  InterruptOnSignal(const InterruptOnSignal&) = delete;
  InterruptOnSignal& operator=(const InterruptOnSignal&) = delete;
};

}  // namespace ringtail::tools
