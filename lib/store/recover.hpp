// Makes a capture file whole again after a crash, in place or as a copy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <ringtail/error.hpp>

#include "pcapfile/damage.hpp"

namespace ringtail::store {

struct RecoverOptions {
  bool dry_run = false;                  ///< look only
  std::optional<std::string> copy_to{};  ///< leave the file alone and write a whole one there, as `-w` of a capture
};

struct Recovery {
  pcapfile::Damage damage;         ///< what was found; problem null: the file is fine and nothing was done
  std::uint64_t file_bytes = 0;    ///< before
  std::uint64_t filled_bytes = 0;  ///< in holes
  std::uint64_t cut_bytes = 0;     ///< at the end
};

/// Looks at the file and repairs it: holes become fillers, what stands behind the last whole record is cut. Being
/// killed in between does no harm: begin again. Refused, with nothing changed: a file that somebody is writing (as far
/// as the file system can tell: F_SETLEASE, fcntl(2)), what is no regular file, and damage that no crash explains.
/// The latter may still be copied: up to the damage.
[[nodiscard]] Result<Recovery> recover_file(const std::string& path, const RecoverOptions& options);

/// The same for a file that the caller has open for reading and writing, and knows that nobody else writes. Damage that
/// no crash explains is found and left alone. Error: it cannot be read, or not be written. `path` is for messages.
[[nodiscard]] Result<Recovery> recover_open_file(int descriptor, const std::string& path);

}  // namespace ringtail::store
