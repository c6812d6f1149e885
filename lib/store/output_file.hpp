// Opens what `-w PATH` names, without ever writing through a link that somebody planted there.
#pragma once

#include <cstdint>
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

/// Opens `path` for one capture file:
///
///   "-", /dev/stdout, /dev/fd/N    a duplicate of that descriptor
///   nothing there                  a new file, mode 0600 (0640 with `group_readable`) before umask
///   a regular file with one link   removed, then a new file: whoever has the old one open keeps the old one
///   a FIFO, a character device     opened; a FIFO waits for its reader, a signal handler's return (EINTR) ends that
///   anything else                  refused: symbolic link, file with several names, directory, block device, socket
[[nodiscard]] Result<OutputFile> open_output(const std::string& path, bool group_readable);

/// Removes the name `path` if it still stands for the file `device`/`inode`. False when it does not, or cannot be
/// removed.
bool remove_output(const std::string& path, dev_t device, ino_t inode) noexcept;

}  // namespace ringtail::store
