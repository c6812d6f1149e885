// Bytes that come in pieces, made into lines of bounded length.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ringtail::control {

class LineBuffer {
 public:
  explicit LineBuffer(std::size_t most_bytes_in_line) : longest_(most_bytes_in_line) {}

  /// False when a line has become too long: nothing sensible can follow it.
  [[nodiscard]] bool add(std::string_view bytes);

  /// The next whole line, without its newline.
  [[nodiscard]] std::optional<std::string> next();

 private:
  std::size_t longest_;
  std::string bytes_;
};

}  // namespace ringtail::control
