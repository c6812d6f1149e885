#include "store/file_series.hpp"

#include <ctime>

#include "store/file_names.hpp"

namespace ringtail::store {

namespace {

constexpr std::size_t recent_paths_limit = 100;

}  // namespace

FileSeries::FileSeries(const RecorderOptions& options) : path_(options.path), numbered_(options.rotation.is_on()) {}

std::string FileSeries::next_path() const {
  return numbered_ ? numbered_file_name(path_, count_ + 1, std::time(nullptr)) : path_;
}

void FileSeries::opened(const std::string& path) {
  ++count_;
  recent_paths_.push_back(path);
  if (recent_paths_.size() > recent_paths_limit) recent_paths_.pop_front();
}

void FileSeries::discard() {
  --count_;
  recent_paths_.pop_back();
}

}  // namespace ringtail::store
