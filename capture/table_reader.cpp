#include "table_reader.hpp"

#include <fmt/format.h>

namespace ringtail::daemon {

TableReader::TableReader(const toml::table& table, std::string path, const std::string& file,
                         std::vector<std::string>& mistakes)
    : table_(table), path_(std::move(path)), file_(file), mistakes_(mistakes) {}

const toml::node* TableReader::find(const char* key) {
  known_.insert(key);
  return table_.get(key);
}

void TableReader::mistake(const std::string& key, const std::string& what) {
  mistake_at(table_.get(key), key, what);
}

std::string TableReader::place_of(const std::string& key) const {
  return place_of(table_.get(key), key);
}

std::string TableReader::place_of(const toml::node* node, const std::string& key) const {
  const toml::source_region& region = node != nullptr ? node->source() : table_.source();
  const std::string name = path_.empty() ? key : path_ + "." + key;
  return region.begin.line == 0 ? fmt::format("{}: {}", file_, name)
                                : fmt::format("{}:{}: {}", file_, region.begin.line, name);
}

void TableReader::mistake_at(const toml::node* node, const std::string& key, const std::string& what) {
  mistakes_.push_back(place_of(node, key) + ": " + what);
}

void TableReader::text(const char* key, std::string& target) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<std::string>();
  if (!value) return mistake(key, "a text in quotes is needed");
  if (value->find('\0') != std::string::npos) return mistake(key, "it has a zero byte in it");
  target = *value;
}

void TableReader::text_or_whole(const char* key, std::string& target) {
  const toml::node* node = find(key);
  const auto number = node != nullptr ? node->value_exact<std::int64_t>() : std::nullopt;
  if (!number) return text(key, target);
  target = std::to_string(*number);
}

void TableReader::texts(const char* key, std::vector<std::string>& target) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::array* values = node->as_array();
  if (values == nullptr) return mistake(key, "a list of texts is needed: [\"one\", \"other\"]");
  target.clear();
  for (const toml::node& each : *values) {
    const auto value = each.value_exact<std::string>();
    if (!value || value->empty()) return mistake_at(&each, key, "a list of texts is needed");
    target.push_back(*value);
  }
}

void TableReader::flag(const char* key, bool& target) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<bool>();
  if (!value) return mistake(key, "true or false is needed");
  target = *value;
}

std::optional<std::int64_t> TableReader::whole(const char* key, std::int64_t least, std::int64_t most) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto value = node->value_exact<std::int64_t>();
  if (value && *value >= least && *value <= most) return value;
  const bool bounded = most != std::numeric_limits<std::int64_t>::max();
  mistake(key, bounded ? fmt::format("a whole number from {} to {} is needed", least, most)
                       : fmt::format("a whole number, {} or more, is needed", least));
  return std::nullopt;
}

std::optional<double> TableReader::decimal(const char* key, double most) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  std::optional<double> value;
  if (node->is_number()) value = node->value<double>();
  if (value && *value > 0 && *value <= most) return value;
  mistake(key, fmt::format("a number above 0 and up to {} is needed", most));
  return std::nullopt;
}

const toml::table* TableReader::table(const char* key) {
  const toml::node* node = find(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) mistake(key, fmt::format("a table is needed: [{}]", key));
  return node->as_table();
}

std::vector<const toml::table*> TableReader::tables(const char* key) {
  std::vector<const toml::table*> found;
  const toml::node* node = find(key);
  if (node == nullptr) return found;
  const toml::array* array = node->as_array();
  if (array == nullptr || !array->is_array_of_tables()) {
    mistake(key, fmt::format("tables are needed, each beginning with [[{}]]", key));
    return found;
  }
  for (const toml::node& each : *array) found.push_back(each.as_table());
  return found;
}

void TableReader::refuse_the_rest() {
  for (const auto& [key, node] : table_) {
    if (known_.find(key.str()) == known_.end()) {
      mistake_at(&node, std::string(key.str()), "there is no such key");
    }
  }
}

}  // namespace ringtail::daemon
