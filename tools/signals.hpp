// Signals as things to read, not as things that interrupt.
#pragma once

#include <optional>

#include <ringtail/source.hpp>

#include "base/file_descriptor.hpp"

namespace ringtail::tools {

/// SIGINT, SIGTERM, SIGUSR1 and, unless the parent has it ignored (nohup), SIGHUP, to be read one by one. At most one
/// such queue lives at a time. Until it is made, the signals end the process; so make it when there is something to end
/// in good order, and not before waits that nobody can end, such as for a FIFO's reader.
class SignalQueue {
 public:
  [[nodiscard]] static Result<SignalQueue> create();
  SignalQueue(SignalQueue&&) noexcept = default;
  SignalQueue& operator=(SignalQueue&&) = delete;
  ~SignalQueue();

  /// Readable when next() has something.
  [[nodiscard]] int descriptor() const noexcept { return read_end_.get(); }

  /// The next signal that has arrived, if any. Does not wait.
  [[nodiscard]] std::optional<int> next() noexcept;

 private:
  SignalQueue(base::FileDescriptor read_end, base::FileDescriptor write_end) noexcept;
  base::FileDescriptor read_end_;
  base::FileDescriptor write_end_;  ///< the handler's
};

/// A reader that goes away is a write error from here on, not the end of the process.
void ignore_write_signals();

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
