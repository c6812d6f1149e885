#include "filter/words.hpp"

#include <algorithm>

namespace ringtail::filter {

namespace {

constexpr std::string_view white_space = " \t\r\n";  // scanner.l of libpcap skips these four

constexpr std::string_view long_operators[] = {"&&", "||", "==", "!=", "<=", ">=", "<<", ">>"};

bool is_name_character(char character) noexcept {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') ||
         std::string_view("_.:-/\\$").find(character) != std::string_view::npos;
}

// How long the word at the start of `text` is; `text` does not begin with white space and is not empty.
std::size_t word_length(std::string_view text) noexcept {
  const auto name_end = std::ranges::find_if_not(text, is_name_character);
  if (name_end != text.begin()) return static_cast<std::size_t>(name_end - text.begin());
  const bool is_long = std::ranges::any_of(long_operators, [text](auto each) { return text.starts_with(each); });
  return is_long ? 2 : 1;
}

}  // namespace

std::vector<Word> split_words(std::string_view text) {
  std::vector<Word> words;
  std::size_t begin = text.find_first_not_of(white_space);
  while (begin < text.size()) {
    const std::size_t end = begin + word_length(text.substr(begin));
    words.push_back({begin, text.substr(begin, end - begin)});
    begin = text.find_first_not_of(white_space, end);
  }
  return words;
}

bool has_word(std::string_view text, std::string_view word) {
  return std::ranges::any_of(split_words(text), [word](const Word& each) { return each.text == word; });
}

}  // namespace ringtail::filter
