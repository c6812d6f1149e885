// Opens what `-w PATH` names, without ever writing through a link that somebody planted there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

#include <ringtail/error.hpp>

#include "base/file_descriptor.hpp"

namespace ringtail::store {

enum class OutputKind : std::uint8_t {
  regular,  ///< can be cut back and written anywhere
  stream,   ///< pipe, FIFO, socket or character device: what is written is gone
};

struct OutputFile {
  base::FileDescriptor descriptor;
  std::string path;  ///< as asked for; "-" for standard output
  OutputKind kind = OutputKind::regular;
  bool is_ours = false;            ///< a new inode that open_output() made under `path`
  std::uint64_t start_offset = 0;  ///< where our first byte goes; not 0 behind a shell's `>>`
  dev_t device = 0;                ///< with `inode`: which file it is, whatever becomes of the name
  ino_t inode = 0;
};

/// What `descriptor`, opened as `path`, stands for. `is_ours`: a new inode.
[[nodiscard]] Result<OutputFile> describe_output(base::FileDescriptor descriptor, const std::string& path,
                                                 bool is_ours);

/// Opens `path` for one capture file:
///
///   "-", /dev/stdout, /dev/fd/N    a duplicate of that descriptor
///   nothing there                  a new file, mode 0600 (0640 with `group_readable`) before umask
///   a regular file with one link   removed, then a new file: whoever has the old one open keeps the old one
///   a FIFO, a character device     opened; a FIFO waits for its reader, a signal handler's return (EINTR) ends that
///   anything else                  refused: symbolic link, file with several names, directory, block device, socket
[[nodiscard]] Result<OutputFile> open_output(const std::string& path, bool group_readable);

/// As open_output(), but what would be removed stays: the new file has a hidden name beside `path` until it takes that
/// place.
[[nodiscard]] Result<OutputFile> open_beside(const std::string& path, bool group_readable);

/// Gives a file of open_beside() its name, from whatever has it. Nothing happens where it has it already.
[[nodiscard]] Result<void> take_place(OutputFile& file, const std::string& path);

/// A new file in `directory` that has no name yet and vanishes with its descriptor unless it gets one. Nothing where
/// the file system has no such files (O_TMPFILE: open(2)) or it cannot be made.
[[nodiscard]] std::optional<OutputFile> open_unnamed(const std::string& directory, bool group_readable);

/// Names a file of open_unnamed(). Never replaces anything: false, and nothing has happened, when something has that
/// name already or it cannot be given.
[[nodiscard]] bool name_output(OutputFile& file, const std::string& path);

/// Removes the name `path` if it still stands for the file `device`/`inode`. False when it does not, or cannot be
/// removed.
bool remove_output(const std::string& path, dev_t device, ino_t inode) noexcept;

}  // namespace ringtail::store
