// A part of a file as writable memory, whose loss is an error instead of death.
//
// Memory that maps a file can be taken away: somebody shortens the file, its disk fails, a copying file system (btrfs)
// has no room for a changed page. The next access is then SIGBUS, which ends a process that has nothing to say about
// it. A FileWindow has: the first one installs a SIGBUS handler that puts anonymous memory in the window's place, so
// that the access succeeds and the writer can be told. A SIGBUS anywhere else goes to whatever handler was there
// before. A program that installs one of its own later takes this protection away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <ringtail/error.hpp>

#include "base/mapping.hpp"

namespace ringtail::store {

/// Move-only. Threads: one at a time.
class FileWindow {
 public:
  FileWindow() noexcept = default;
  /// Maps `bytes` at `offset`, a whole number of pages both, which the file has. `descriptor` can be read and written.
  [[nodiscard]] static Result<FileWindow> map(int descriptor, std::uint64_t offset, std::size_t bytes);

  FileWindow(FileWindow&& other) noexcept
      : mapping_(std::move(other.mapping_)), guard_(std::exchange(other.guard_, no_guard)) {}
  FileWindow& operator=(FileWindow&& other) noexcept;
  FileWindow(const FileWindow&) = delete;
  FileWindow& operator=(const FileWindow&) = delete;
  ~FileWindow() { close(); }

  [[nodiscard]] bool is_open() const noexcept { return mapping_.size() != 0; }
  [[nodiscard]] std::span<std::byte> memory() const noexcept { return mapping_.memory(); }
  /// True when part of it was gone at an access: what has been stored since it was mapped may be in no file.
  [[nodiscard]] bool is_lost() const noexcept;
  void close() noexcept;

 private:
  static constexpr std::size_t no_guard = SIZE_MAX;
  FileWindow(base::Mapping mapping, std::size_t guard) noexcept : mapping_(std::move(mapping)), guard_(guard) {}

  base::Mapping mapping_;
  std::size_t guard_ = no_guard;  // its place in the table that the signal handler reads
};

}  // namespace ringtail::store
