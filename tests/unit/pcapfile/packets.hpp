// Packets to encode: a small batch's worth of descriptors and the bytes they point at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include <ringtail/packet.hpp>

namespace ringtail::test {

/// Bytes and descriptors as a source lends them.
struct Packets {
  std::vector<std::byte> memory;
  std::vector<PacketDescriptor> descriptors;

  PacketDescriptor& add(std::uint32_t captured_length, std::uint64_t timestamp_ns) {
    PacketDescriptor descriptor{};
    descriptor.offset = memory.size();
    descriptor.timestamp_ns = timestamp_ns;
    descriptor.captured_length = captured_length;
    descriptor.wire_length = captured_length;
    for (std::size_t index = 0; index < captured_length; ++index) {
      memory.push_back(static_cast<std::byte>(descriptors.size() * 31 + index * 7 + 1));
    }
    return descriptors.emplace_back(descriptor);
  }
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t index) const {
    return std::span(memory).subspan(descriptors[index].offset, descriptors[index].captured_length);
  }
};

/// Every length from 0 to 70 and some long ones, each with other metadata.
inline Packets assorted_packets() {
  Packets packets;
  std::uint64_t timestamp_ns = 1'700'000'000'999'999'999;
  const auto add = [&](std::uint32_t length) {
    PacketDescriptor& packet = packets.add(length, timestamp_ns);
    timestamp_ns += 1'000'000'001;
    packet.wire_length = length + length % 3;
    const auto turn = static_cast<std::uint32_t>(packets.descriptors.size());
    if (turn % 2 != 0) packet.flags = (turn % 3) | (turn % 5) << 2;
    if (turn % 4 >= 2) {
      packet.flags |= packet_flags::rx_hash_valid;
      packet.rx_hash = 0x01020304U * turn;
    }
    packet.queue = static_cast<std::uint16_t>(turn % 8 >= 4 ? turn : 0);
    packet.interface_id = static_cast<std::uint16_t>(turn % 2);
  };
  for (std::uint32_t length = 0; length <= 70; ++length) add(length);
  for (const std::uint32_t length : {1514U, 9014U, 65'226U, 262'140U}) add(length);
  return packets;
}

}  // namespace ringtail::test
