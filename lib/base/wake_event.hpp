// A descriptor that one thread waits for and any thread makes readable.
#pragma once

#include <utility>

#include "base/file_descriptor.hpp"

namespace ringtail::base {

/// An eventfd. Threads: signal() and drain() from any; signal() also from a signal handler.
class WakeEvent {
 public:
  /// Check is_open(): without descriptors left it is not, and errno says why.
  [[nodiscard]] static WakeEvent create() noexcept;

  [[nodiscard]] bool is_open() const noexcept { return descriptor_.is_open(); }
  /// For poll() and epoll: readable from a signal() to the next drain().
  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
  void signal() const noexcept;
  /// Any number of signals before it count as one; true when there was any. Does not wait.
  bool drain() const noexcept;

 private:
  explicit WakeEvent(FileDescriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}
  FileDescriptor descriptor_;
};

}  // namespace ringtail::base
