// Keeps the finished files of a recording within a quota: the oldest go first.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <sys/types.h>

#include <ringtail/recorder.hpp>

namespace ringtail::store {

/// A file that is written and closed.
struct FinishedFile {
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
  std::uint64_t bytes = 0;
};

/// Knows only files of this recording, and removes a name only while it still stands for the file that was written.
class Retention {
 public:
  Retention(const Rotation& rotation, std::string directory);

  void add(FinishedFile file);
  /// Removes what is too much. `open_files` are being written and count among keep_files.
  void enforce(std::uint64_t open_files);
  [[nodiscard]] bool watches_free_space() const noexcept { return keep_free_percent_.has_value(); }

 private:
  [[nodiscard]] bool is_too_much(std::uint64_t open_files) const;
  void remove_oldest();

  std::optional<std::uint64_t> keep_files_;
  std::optional<std::uint64_t> keep_bytes_;
  std::optional<double> keep_free_percent_;
  std::string directory_;
  std::deque<FinishedFile> files_;  // oldest first
  std::uint64_t total_bytes_ = 0;
};

}  // namespace ringtail::store
