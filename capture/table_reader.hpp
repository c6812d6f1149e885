// Reads a table of the configuration key by key, and remembers every mistake with its file and line.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace ringtail::daemon {

/// Mistakes do not end the reading: whoever checks a file wants to hear of all of them.
class TableReader {
 public:
  /// `path`: the table's own name, for mistakes ("capture.storage"). All three must outlive the reader.
  TableReader(const toml::table& table, std::string path, const std::string& file, std::vector<std::string>& mistakes);

  // Each leaves its target as it is when the key is not there.
  void text(const char* key, std::string& target);
  void text_or_whole(const char* key, std::string& target);  ///< "2-3", and 2 without quotes
  void texts(const char* key, std::vector<std::string>& target);
  void flag(const char* key, bool& target);
  [[nodiscard]] std::optional<std::int64_t> whole(const char* key, std::int64_t least,
                                                  std::int64_t most = std::numeric_limits<std::int64_t>::max());
  [[nodiscard]] std::optional<double> decimal(const char* key, double most);

  template <typename Number>
  void number(const char* key, Number& target, std::int64_t least, std::int64_t most) {
    if (const auto value = whole(key, least, most)) target = static_cast<Number>(*value);
  }

  /// One of several words.
  template <typename Enum, typename Target>
  void choice(const char* key, Target& target, std::initializer_list<std::pair<const char*, Enum>> choices) {
    std::string word;
    text(key, word);
    if (word.empty()) return;
    std::string known;
    for (const auto& [name, value] : choices) {
      if (word == name) {
        target = value;
        return;
      }
      known += (known.empty() ? "" : ", ") + std::string(name);
    }
    mistake(key, "'" + word + "' is none of " + known);
  }

  /// The table under that key, if there is one.
  [[nodiscard]] const toml::table* table(const char* key);
  /// The tables of [[key]].
  [[nodiscard]] std::vector<const toml::table*> tables(const char* key);

  [[nodiscard]] bool has(const char* key) const { return table_.contains(key); }
  /// "<file>:<line>: <key>"; without the key, the line of its table.
  [[nodiscard]] std::string place_of(const std::string& key) const;
  void mistake(const std::string& key, const std::string& what);
  /// To be called last: keys that nobody has asked for are mistakes.
  void refuse_the_rest();

 private:
  [[nodiscard]] const toml::node* find(const char* key);
  [[nodiscard]] std::string place_of(const toml::node* node, const std::string& key) const;
  void mistake_at(const toml::node* node, const std::string& key, const std::string& what);

  const toml::table& table_;
  std::string path_;
  const std::string& file_;
  std::vector<std::string>& mistakes_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace ringtail::daemon
