// Columns that line up, for a terminal or a README's code block.
#pragma once

#include <string>
#include <vector>

namespace ringtail::bench {

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> titles) : rows_{std::move(titles)} {}

  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  /// One line per row, indented by two; the first column to the left, the others to the right. A row with fewer cells
  /// than titles ends with a remark, which runs on across the columns.
  [[nodiscard]] std::string text() const;

  /// The same as a table of Markdown.
  [[nodiscard]] std::string markdown() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace ringtail::bench
