// What a contestant left behind: the file is the witness, not what the contestant says about it.
#pragma once

#include <cstdint>
#include <string>

#include <ringtail/error.hpp>

namespace ringtail::bench {

struct FileContents {
  std::uint64_t packets = 0;
  std::uint64_t captured_bytes = 0;
};

/// Reads a pcapng or pcap file from front to back. A file that ends inside a record is counted up to there: that
/// record's packet is lost. Damage is an error.
[[nodiscard]] Result<FileContents> read_capture_file(const std::string& path);

struct FileState {
  std::uint64_t bytes = 0;         ///< its length
  std::uint64_t cached_bytes = 0;  ///< of them in the page cache, in whole pages (mincore(2))
};

[[nodiscard]] Result<FileState> inspect_file(const std::string& path);

/// Puts what is still only in memory onto the disk. The bench's own doing, so that each contestant pays for its disk
/// writes, whoever makes them in the end.
[[nodiscard]] Result<void> sync_file(const std::string& path);

}  // namespace ringtail::bench
