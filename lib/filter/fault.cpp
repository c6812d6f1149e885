#include "filter/fault.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "filter/words.hpp"

namespace ringtail::filter {

namespace {

// A word that libpcap's scanner refuses with a message of its own, wherever it stands (scanner.l, "bogus ethernet
// address"). The parser asks for it only when everything in front could begin a filter: its grammar is LALR(1), which
// finds a fault at the first word that no filter could go on with. So text + probe tells whether text is a beginning.
constexpr std::string_view probe = " ef:fe:e";
constexpr std::string_view probe_message = "bogus ethernet address ef:fe:";
constexpr std::string_view prefix = "can't parse filter expression: ";
constexpr std::string_view syntax_error = "syntax error";

bool could_begin_a_filter(pcap& handle, std::string_view text, std::uint32_t netmask) {
  const auto result = run_compiler(handle, std::string(text).append(probe), netmask);
  return !result && result.error().starts_with(probe_message);
}

// The first word with which the text stops being the beginning of any filter; words.end() when it never does.
std::vector<Word>::const_iterator first_impossible_word(pcap& handle, const std::string& text, std::uint32_t netmask,
                                                        const std::vector<Word>& words) {
  return std::ranges::partition_point(words, [&](const Word& word) {
    return could_begin_a_filter(handle, std::string_view(text).substr(0, word.end()), netmask);
  });
}

bool is_joining_word(std::string_view word) noexcept {
  return word == "and" || word == "or" || word == "not" || !std::isalnum(static_cast<unsigned char>(word.front()));
}

// The last of `words` that libpcap's message quotes, as in "unknown host 'nosuch'".
std::optional<Word> quoted_word(std::span<const Word> words, std::string_view message) {
  const auto found = std::find_if(words.rbegin(), words.rend(), [message](const Word& word) {
    return !is_joining_word(word.text) && has_word(message, word.text);
  });
  return found == words.rend() ? std::nullopt : std::optional(*found);
}

std::string at(const Word& word) {
  return " at column " + std::to_string(word.begin + 1);
}

std::string at_and_near(const Word& word) {
  return at(word) + ", near '" + shorten(word.text) + "'";
}

}  // namespace

std::string locate_fault(pcap& handle, const std::string& text, std::uint32_t netmask, const std::string& message) {
  const std::string plain = shorten(std::string_view(message).substr(message.starts_with(prefix) ? prefix.size() : 0));
  const std::vector<Word> words = split_words(text);
  const auto impossible = first_impossible_word(handle, text, netmask, words);
  if (plain == syntax_error) {
    if (impossible != words.end()) return std::string(syntax_error) + at_and_near(*impossible);
    return "it ends too early, after '" + shorten(words.back().text) + "'";
  }
  // Faults in the meaning may show one word late, so a word that the message names is the better witness.
  const auto seen_end = impossible == words.end() ? impossible : impossible + 1;
  if (const auto quoted = quoted_word({words.begin(), seen_end}, message)) return plain + at(*quoted);
  return impossible == words.end() ? plain : plain + at_and_near(*impossible);
}

std::string shorten(std::string_view text) {
  constexpr std::size_t longest = 200;
  std::string line(text.substr(0, longest));
  std::ranges::replace_if(
      line, [](char each) { return std::iscntrl(static_cast<unsigned char>(each)) != 0; }, ' ');
  if (text.size() > longest) line += "...";
  return line;
}

}  // namespace ringtail::filter
