#include "store/file_series.hpp"

#include <ctime>
#include <utility>

#include "store/file_names.hpp"

namespace ringtail::store {

namespace {

constexpr std::size_t recent_paths_limit = 100;

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<FileSeries> FileSeries::create(const RecorderOptions& options) {
  return NameList::open(options.rotation.print_names_to, options.group_readable).map([&](NameList names) {
    return FileSeries(options, std::move(names));
  });
}

FileSeries::FileSeries(const RecorderOptions& options, NameList names)
    : path_(options.path),
      numbered_(options.rotation.is_on()),
      group_readable_(options.group_readable),
      names_(std::move(names)),
      retention_(options.rotation, directory_of(options.path)) {}

Result<OutputFile> FileSeries::open_next() {
  const std::string path = numbered_ ? numbered_file_name(path_, opened_ + 1, std::time(nullptr)) : path_;
  auto file = open_output(path, group_readable_);
  if (!file) return file;
  ++opened_;
  recent_paths_.push_back(path);
  if (recent_paths_.size() > recent_paths_limit) recent_paths_.pop_front();
  retention_.enforce(1);
  return file;
}

void FileSeries::discard(const OutputFile& file) {
  if (file.is_ours) remove_output(file.path, file.device, file.inode);
  --opened_;
  recent_paths_.pop_back();
}

void FileSeries::finished(const OutputFile& file, std::uint64_t bytes) {
  names_.print(file.path);
  if (file.is_ours) {
    retention_.add({.path = file.path, .device = file.device, .inode = file.inode, .bytes = bytes});
  }
}

void FileSeries::watch_free_space(std::uint64_t open_files) {
  if (retention_.watches_free_space()) retention_.enforce(open_files);
}

}  // namespace ringtail::store
