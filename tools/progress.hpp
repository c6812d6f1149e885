// The line that a person watches while packets come in.
#pragma once

#include <cstdint>

namespace ringtail::tools {

/// Rewrites one line on stderr; silent when stderr is no terminal.
class ProgressLine {
 public:
  explicit ProgressLine(bool wanted);
  ~ProgressLine() { erase(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  [[nodiscard]] bool is_on() const noexcept { return on_; }

  /// Totals since the start, and the seconds since then: the rate is that of the time since the last call.
  void show(std::uint64_t packets, std::uint64_t dropped, double elapsed_seconds);

  /// Clears the line, so that other text can stand there.
  void erase();

 private:
  bool on_;
  bool visible_ = false;
  std::uint64_t last_packets_ = 0;
  double last_seconds_ = 0;
};

}  // namespace ringtail::tools
