// The files of a recording: their names, one after the other, and what becomes of those that are finished.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <ringtail/error.hpp>
#include <ringtail/recorder.hpp>

#include "store/name_list.hpp"
#include "store/output_file.hpp"
#include "store/retention.hpp"

namespace ringtail::store {

class FileSeries {
 public:
  [[nodiscard]] static Result<FileSeries> create(const RecorderOptions& options);

  /// Opens the next file: the path itself, or its next numbered name in a ring of files.
  [[nodiscard]] Result<OutputFile> open_next();

  /// `file`, the one just opened, is not even worth its name: its header could not be written.
  void discard(const OutputFile& file);

  /// `file` is closed and holds `bytes`: its name is told and old files make room.
  void finished(const OutputFile& file, std::uint64_t bytes);

  /// Removes old files where the file system has become too full. `open_files`: how many are being written.
  void watch_free_space(std::uint64_t open_files);

  [[nodiscard]] std::uint64_t opened() const noexcept { return opened_; }
  /// The last 100, oldest first.
  [[nodiscard]] std::vector<std::string> recent_paths() const { return {recent_paths_.begin(), recent_paths_.end()}; }

 private:
  FileSeries(const RecorderOptions& options, NameList names);

  std::string path_;
  bool numbered_;
  bool group_readable_;
  NameList names_;
  Retention retention_;
  std::uint64_t opened_ = 0;
  std::deque<std::string> recent_paths_;
};

}  // namespace ringtail::store
