// Reads a capture file record by record, for tests that look at every byte of many packets. It shares only the layouts
// with the code under test; the independent readers judge the same files elsewhere.
#pragma once

#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <ringtail/recorder.hpp>

#include "pcapfile/pcap.hpp"
#include "pcapfile/pcapng.hpp"
#include "store/record_scan.hpp"

namespace ringtail::test {

struct FileWalk {
  std::uint64_t packets = 0;
  std::uint64_t torn_bytes = 0;  ///< behind the last whole record
};

/// Calls `on_packet(bytes, interface_id)` for every packet. An unreadable file counts as empty.
template <typename OnPacket>
FileWalk walk_file(const std::string& path, FileFormat format, OnPacket&& on_packet) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> content(std::istreambuf_iterator<char>(file), {});
  const auto bytes = std::as_bytes(std::span(content));
  const auto read = [&](std::uint64_t offset, std::span<std::byte> memory) {
    if (offset + memory.size() > bytes.size()) return false;
    std::memcpy(memory.data(), bytes.data() + offset, memory.size());
    return true;
  };
  FileWalk walk;
  std::uint64_t offset = 0;
  while (offset < bytes.size()) {
    const store::RecordExtent record = store::read_record_extent(format, offset, read);
    if (record.bytes == 0 || record.bytes > bytes.size() - offset) break;
    if (record.is_packet) {
      std::uint32_t interface_id = 0;
      std::size_t head = sizeof(pcapfile::pcap::RecordHead);
      if (format == FileFormat::pcapng) {
        head = sizeof(pcapfile::pcapng::EnhancedPacketHead);
        interface_id = pcapfile::load<pcapfile::pcapng::EnhancedPacketHead>(bytes.data() + offset).interface_id;
      }
      on_packet(bytes.subspan(offset + head, record.captured_length), interface_id);
      ++walk.packets;
    }
    offset += record.bytes;
  }
  walk.torn_bytes = bytes.size() - offset;
  return walk;
}

}  // namespace ringtail::test
