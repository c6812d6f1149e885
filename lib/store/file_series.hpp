// The names of a recording's files, one after the other.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <ringtail/recorder.hpp>

namespace ringtail::store {

class FileSeries {
 public:
  explicit FileSeries(const RecorderOptions& options);

  /// The next file's path: the one asked for, or its next numbered name in a ring of files.
  [[nodiscard]] std::string next_path() const;
  /// A file of that path is open now.
  void opened(const std::string& path);
  /// The file just opened is not even worth its name: its header could not be written.
  void discard();

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// The last 100, oldest first.
  [[nodiscard]] std::vector<std::string> recent_paths() const { return {recent_paths_.begin(), recent_paths_.end()}; }

 private:
  std::string path_;
  bool numbered_;
  std::uint64_t count_ = 0;
  std::deque<std::string> recent_paths_;
};

}  // namespace ringtail::store
