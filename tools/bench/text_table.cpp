#include "bench/text_table.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace ringtail::bench {

std::string TextTable::text() const {
  const std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns);
  for (const auto& row : rows_) {
    // A row that is shorter than the others ends with a remark that may run on.
    const std::size_t aligned = row.size() == columns ? columns : row.size() - 1;
    for (std::size_t column = 0; column < aligned; ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    text += fmt::format("  {:<{}}", row[0], widths[0]);
    for (std::size_t column = 1; column < row.size(); ++column) {
      const bool remark = column + 1 == row.size() && row.size() != columns;
      text += remark ? "  " + row[column] : fmt::format("  {:>{}}", row[column], widths[column]);
    }
    text += '\n';
  }
  return text;
}

std::string TextTable::markdown() const {
  const std::size_t columns = rows_.front().size();
  std::string text;
  for (const auto& row : rows_) {
    for (const std::string& cell : row) text += "| " + cell + " ";
    text += "|\n";
    if (&row != &rows_.front()) continue;
    text += "|---|";
    for (std::size_t column = 1; column < columns; ++column) text += "---:|";
    text += "\n";
  }
  return text;
}

}  // namespace ringtail::bench
