// A veth pair rt0 <-> rt1 in a network namespace that this process makes for itself and that is gone with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/file_descriptor.hpp"

namespace ringtail::conformance {

/// Enters the namespace, once per process. Empty: ready; else the reason why it cannot be.
[[nodiscard]] const std::string& enter_private_namespace();

/// Runs a shell command there. True: it succeeded.
bool run_in_namespace(const std::string& command);

/// Sends numbered frames (fixture/numbered_frames.hpp) into rt0; rt1 receives them.
class NumberedSender {
 public:
  explicit NumberedSender(const std::string& interface_name = "rt0");
  /// The next `count` frames. Waits while the queue is full; a frame refused for another reason is not counted.
  void send(std::uint64_t count, std::size_t frame_bytes);
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

 private:
  base::FileDescriptor socket_;
  std::uint64_t next_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace ringtail::conformance
