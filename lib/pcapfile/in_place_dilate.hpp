// Dilate: a ring block becomes pcapng without any packet being moved. The gap between two packets is swallowed by the
// first one's packet block, as an option that readers skip.
#pragma once

#include "pcapfile/encoder.hpp"
#include "pcapfile/in_place_packet_block.hpp"

namespace ringtail::pcapfile {

/// Writes only between packets, so packets that somebody else reads meanwhile are safe: as long as all of them lie at
/// multiples of 4 (`offset` of their descriptors). One that does not is moved down to the next multiple.
class DilateEncoder final : public InPlaceEncoder {
 public:
  void begin(const detail::InPlace& block, std::uint32_t carried_bytes) noexcept override;
  [[nodiscard]] bool leaves_in_place(std::span<const PacketDescriptor> packets, bool begins) const noexcept override;
  void add(std::span<const PacketDescriptor> packets, InterfaceMap interfaces) noexcept override;
  [[nodiscard]] EncodedBlock finish(std::uint32_t alignment) noexcept override;

 private:
  [[nodiscard]] std::uint32_t data_in_phase(const PacketDescriptor& packet) noexcept;
  void close_up_to(std::uint32_t head) noexcept;

  std::byte* base_ = nullptr;
  std::uint32_t limit_ = 0;
  std::uint32_t begin_ = 0;
  std::uint32_t filled_ = 0;      // behind what was carried in; meaningful until the first packet
  pcapng::OpenPacketBlock open_;  // the last packet so far
  std::uint64_t copied_bytes_ = 0;
};

}  // namespace ringtail::pcapfile
