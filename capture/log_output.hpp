// Where log lines go: a descriptor that somebody may have stopped reading.
#pragma once

#include <string_view>

namespace ringtail::daemon {

/// A pipe that is full, a terminal that is held, a journal that does not keep up: none of them makes a capture wait.
/// Only a file does, for its disk. Threads: one at a time.
class LogOutput {
 public:
  explicit LogOutput(int descriptor) noexcept : descriptor_(descriptor) {}

  /// False when there was no room for all of it.
  [[nodiscard]] bool write(std::string_view line) noexcept;

 private:
  [[nodiscard]] bool write_piece(std::string_view piece) const noexcept;

  int descriptor_;
  bool is_torn_ = false;  ///< the last line ended in its middle
};

}  // namespace ringtail::daemon
