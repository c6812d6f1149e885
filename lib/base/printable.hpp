// Texts from strangers, who may have meant them for a terminal to obey, or for a parser to stumble over.
#pragma once

#include <string>

namespace ringtail::base {

/// The text with '?' for all that is not printable ASCII.
[[nodiscard]] inline std::string printable(std::string text) {
  for (char& character : text) {
    if (character < ' ' || character > '~') character = '?';
  }
  return text;
}

}  // namespace ringtail::base
