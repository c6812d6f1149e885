#include "control/line_buffer.hpp"

#include <algorithm>

namespace ringtail::control {

bool LineBuffer::add(std::string_view bytes) {
  bytes_ += bytes;
  std::size_t begin = 0;
  while (begin <= bytes_.size()) {
    const std::size_t end = std::min(bytes_.find('\n', begin), bytes_.size());
    if (end - begin > longest_) return false;
    begin = end + 1;
  }
  return true;
}

std::optional<std::string> LineBuffer::next() {
  const std::size_t end = bytes_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = bytes_.substr(0, end);
  bytes_.erase(0, end + 1);
  return line;
}

}  // namespace ringtail::control
