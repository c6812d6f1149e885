// Finds the last whole record in file bytes, after a write that did not get through.
#pragma once

#include <cstdint>
#include <span>

#include <ringtail/recorder.hpp>

#include "pcapfile/pcap.hpp"
#include "pcapfile/pcapng.hpp"

namespace ringtail::store {

/// What stands in whole records up to a place in the file.
struct WholeRecords {
  std::uint64_t bytes = 0;  ///< where the last of them ends, from the beginning of the file
  std::uint64_t packets = 0;
  std::uint64_t captured_bytes = 0;

  WholeRecords& operator+=(const WholeRecords& other) noexcept {
    bytes += other.bytes;
    packets += other.packets;
    captured_bytes += other.captured_bytes;
    return *this;
  }
  WholeRecords& operator-=(const WholeRecords& other) noexcept {
    bytes -= other.bytes;
    packets -= other.packets;
    captured_bytes -= other.captured_bytes;
    return *this;
  }
};

/// A record as its head describes it: a block of pcapng, a packet or the file header of classic pcap.
struct RecordExtent {
  std::uint64_t bytes = 0;  ///< 0: this is no record
  bool is_packet = false;
  std::uint32_t captured_length = 0;
};

/// Reads the head of the record at `offset` with `read(offset, memory)`, which fills the memory or returns false.
template <typename Read>
[[nodiscard]] RecordExtent read_record_extent(FileFormat format, std::uint64_t offset, Read&& read) {
  using namespace pcapfile;
  std::byte head[sizeof(pcapng::EnhancedPacketHead)] = {};
  if (format != FileFormat::pcapng) {
    if (offset == 0) return {.bytes = sizeof(pcap::FileHead)};
    if (!read(offset, std::span<std::byte>(head, sizeof(pcap::RecordHead)))) return {};
    const auto record = load<pcap::RecordHead>(head);
    return {sizeof record + std::uint64_t{record.captured_length}, true, record.captured_length};
  }
  if (!read(offset, std::span<std::byte>(head, sizeof(pcapng::BlockHead)))) return {};
  const auto block = load<pcapng::BlockHead>(head);
  if (block.total_length < pcapng::smallest_block_bytes || block.total_length % 4 != 0) return {};
  if (block.type != pcapng::block_type::enhanced_packet) return {.bytes = block.total_length};
  if (!read(offset, std::span<std::byte>(head))) return {};
  return {block.total_length, true, load<pcapng::EnhancedPacketHead>(head).captured_length};
}

/// Goes on from `before`, the end of a record, over the records that end at or before the file offset `end`. The bytes
/// are our own, so a record that makes no sense is where writing broke off.
template <typename Read>
[[nodiscard]] WholeRecords scan_records(FileFormat format, WholeRecords before, std::uint64_t end, Read&& read) {
  WholeRecords whole = before;
  while (whole.bytes < end) {
    const RecordExtent record = read_record_extent(format, whole.bytes, read);
    if (record.bytes == 0 || record.bytes > end - whole.bytes) break;
    whole.bytes += record.bytes;
    whole.packets += record.is_packet ? 1 : 0;
    whole.captured_bytes += record.captured_length;
  }
  return whole;
}

}  // namespace ringtail::store
