// Fills one slot with packets: with copies, or with what is said about packets that lie elsewhere.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <ringtail/packet.hpp>

#include "share/layout.hpp"

namespace ringtail::share {

class SlotWriter {
 public:
  /// `memory` is all that clients share, `slot` is nobody's. `lent_base`: where memory begins in which clients can read
  /// all packets; null: they have to be copied.
  SlotWriter(std::byte* memory, const Geometry& geometry, std::uint32_t slot, const std::byte* lent_base) noexcept
      : memory_(memory),
        descriptors_(reinterpret_cast<PacketDescriptor*>(memory + geometry.slot_offset(slot))),
        offset_(geometry.slot_offset(slot) + geometry.slot_data_offset()),
        end_(geometry.slot_offset(slot) + geometry.slot_bytes),
        most_packets_(geometry.slot_packets),
        lent_base_(lent_base) {}

  /// There always is for the first.
  [[nodiscard]] bool has_room_for(const PacketDescriptor& packet) const noexcept {
    if (packets_ == most_packets_) return false;
    return lent_base_ != nullptr || offset_ + std::min(packet.captured_length, longest_packet_bytes) <= end_;
  }

  /// False when there is no room for it.
  [[nodiscard]] bool append(const PacketDescriptor& packet, const std::byte* bytes,
                            std::uint16_t interface_id) noexcept {
    if (lent_base_ != nullptr) return refer_to(packet, bytes, interface_id);
    const std::uint32_t length = std::min(packet.captured_length, longest_packet_bytes);
    if (packets_ == most_packets_ || offset_ + length > end_) return false;
    std::memcpy(memory_ + offset_, bytes, length);
    PacketDescriptor& descriptor = descriptors_[packets_++];
    descriptor = packet;
    descriptor.offset = offset_;
    descriptor.captured_length = length;
    descriptor.interface_id = interface_id;
    copied_bytes_ += length;
    offset_ = (offset_ + length + packet_alignment - 1) / packet_alignment * packet_alignment;
    return true;
  }

  [[nodiscard]] std::uint32_t packets() const noexcept { return packets_; }
  [[nodiscard]] std::uint64_t copied_bytes() const noexcept { return copied_bytes_; }

 private:
  [[nodiscard]] bool refer_to(const PacketDescriptor& packet, const std::byte* bytes,
                              std::uint16_t interface_id) noexcept {
    if (packets_ == most_packets_) return false;
    PacketDescriptor& descriptor = descriptors_[packets_++];
    descriptor = packet;
    descriptor.offset = static_cast<std::uint64_t>(bytes - lent_base_);
    descriptor.interface_id = interface_id;
    return true;
  }

  std::byte* memory_;
  PacketDescriptor* descriptors_;
  std::uint64_t offset_;
  std::uint64_t end_;
  std::uint32_t most_packets_;
  const std::byte* lent_base_;
  std::uint32_t packets_ = 0;
  std::uint64_t copied_bytes_ = 0;
};

}  // namespace ringtail::share
