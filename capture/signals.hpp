// Signals as things to read.
#pragma once

#include <optional>

#include <ringtail/error.hpp>

#include "base/file_descriptor.hpp"

namespace ringtail::daemon {

/// SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 are blocked from here on, in all threads that follow, and read instead.
/// A reader that goes away, and a file that becomes too long, are errors and not the end of the process.
class Signals {
 public:
  [[nodiscard]] static Result<Signals> take_over();

  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
  /// The next signal that has arrived, if any. Does not wait.
  [[nodiscard]] std::optional<int> next() noexcept;

 private:
  explicit Signals(base::FileDescriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}
  base::FileDescriptor descriptor_;
};

}  // namespace ringtail::daemon
