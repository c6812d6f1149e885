// A reader of capture files that forgives nothing: it knows only what our encoders may write, and every byte of the
// file must be packet data, a field with the right value, or zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ringtail/recorder.hpp>

namespace ringtail::test {

struct FileRecord {
  std::uint64_t timestamp_ns = 0;  ///< classic pcap with microseconds: rounded down
  std::uint32_t captured_length = 0;
  std::uint32_t wire_length = 0;
  std::uint32_t interface_id = 0;
  std::uint32_t flags = 0;  ///< packet_flags; rx_hash_valid where a hash was stored
  std::uint32_t rx_hash = 0;
  std::span<const std::byte> bytes;
};

struct StrictWalk {
  std::vector<FileRecord> records;
  std::size_t filler_bytes = 0;  ///< in filler blocks and padding options
  std::size_t spacers = 0;       ///< options without a value
  std::string complaint;         ///< empty when the file is as it must be
};

/// Walks `file` from its first byte; section header, interfaces and statistics are stepped over.
[[nodiscard]] StrictWalk walk_strictly(FileFormat format, std::span<const std::byte> file);

}  // namespace ringtail::test
