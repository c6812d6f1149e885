// A capture file, a FIFO or standard input, read front to back. The one place of this room that holds a descriptor.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include <ringtail/error.hpp>

#include "base/file_descriptor.hpp"

namespace ringtail::pcapfile {

class FileInput {
 public:
  /// "-" is standard input. Opening a FIFO waits until somebody writes to it.
  [[nodiscard]] static Result<FileInput> open(const std::string& path);

  /// What there is, at most into.size() bytes; 0 at the end. Call it when wait() said that there is something.
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> into);

  /// Waits until there is something to read, the end, or an error (true), or until the time is over or
  /// `wake_descriptor` becomes readable (false). A regular file never waits.
  [[nodiscard]] bool wait(int wake_descriptor, std::chrono::nanoseconds timeout) const noexcept;

  void close() noexcept { descriptor_.close(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  FileInput(std::string path, base::FileDescriptor descriptor, bool is_regular)
      : path_(std::move(path)), descriptor_(std::move(descriptor)), is_regular_(is_regular) {}

  std::string path_;
  base::FileDescriptor descriptor_;
  bool is_regular_;
};

}  // namespace ringtail::pcapfile
