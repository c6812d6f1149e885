// A filter text cut into words, roughly as libpcap's scanner does: to ask which words are there and to say where.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace ringtail::filter {

struct Word {
  std::size_t begin = 0;  ///< offset in the text
  std::string_view text;  ///< a part of the text

  [[nodiscard]] std::size_t end() const noexcept { return begin + text.size(); }
};

/// Names, numbers and addresses are one word each, and so is each operator and bracket. White space separates. The
/// words refer to `text`.
[[nodiscard]] std::vector<Word> split_words(std::string_view text);

/// Whether `word` is one of the words of `text`.
[[nodiscard]] bool has_word(std::string_view text, std::string_view word);

}  // namespace ringtail::filter
