#include "store/retention.hpp"

#include <sys/statvfs.h>
#include <utility>

#include "store/output_file.hpp"

namespace ringtail::store {

namespace {

/// What an ordinary user may still use, as df(1) counts it; 100 where the file system does not say.
double free_percent(const std::string& directory) {
  struct statvfs status {};
  if (::statvfs(directory.c_str(), &status) != 0 || status.f_blocks == 0) return 100;
  return 100.0 * static_cast<double>(status.f_bavail) / static_cast<double>(status.f_blocks);
}

}  // namespace

Retention::Retention(const Rotation& rotation, std::string directory)
    : keep_files_(rotation.keep_files),
      keep_bytes_(rotation.keep_bytes),
      keep_free_percent_(rotation.keep_free_percent),
      directory_(std::move(directory)) {}

void Retention::add(FinishedFile file) {
  if (!keep_files_ && !keep_bytes_ && !keep_free_percent_) return;
  total_bytes_ += file.bytes;
  files_.push_back(std::move(file));
}

void Retention::enforce(std::uint64_t open_files) {
  while (!files_.empty() && is_too_much(open_files)) remove_oldest();
}

bool Retention::is_too_much(std::uint64_t open_files) const {
  if (keep_files_ && files_.size() + open_files > *keep_files_) return true;
  if (keep_bytes_ && total_bytes_ > *keep_bytes_) return true;
  return keep_free_percent_ && free_percent(directory_) < *keep_free_percent_;
}

void Retention::remove_oldest() {
  const FinishedFile& oldest = files_.front();
  remove_output(oldest.path, oldest.device, oldest.inode);  // where somebody was faster, there is nothing left to do
  total_bytes_ -= oldest.bytes;
  files_.pop_front();
}

}  // namespace ringtail::store
