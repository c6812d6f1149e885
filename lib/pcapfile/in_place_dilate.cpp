#include "pcapfile/in_place_dilate.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace ringtail::pcapfile {

namespace {

using namespace pcapng;

constexpr std::uint32_t head_bytes = sizeof(EnhancedPacketHead);

// The gap from a packet's last byte to the next one's head. In front of a packet stand at least 68 bytes of kernel
// headers (64 after a tag went back in), 28 of which become its head: so 36 bytes are always there, and they hold the
// padding, all options, the smallest padding option and the trailer. Ethernet's gaps are 52 to 67 bytes.
constexpr std::uint32_t smallest_gap = 36;
constexpr std::uint32_t largest_common_gap = 80;
constexpr std::size_t lane_bytes = 16;

// Zeroes at least the gap. What is too much is in the next packet's head, which is not written yet.
inline void clear_gap(std::byte* at, std::uint32_t gap) noexcept {
  std::memset(at, 0, 4 * lane_bytes);
  if (gap > 4 * lane_bytes) std::memset(at + 4 * lane_bytes, 0, lane_bytes);
}
static_assert(4 * lane_bytes - smallest_gap <= head_bytes && largest_common_gap == 5 * lane_bytes);

}  // namespace

void DilateEncoder::begin(const detail::InPlace& block, std::uint32_t carried_bytes) noexcept {
  base::require(carried_bytes % 4 == 0 && carried_bytes <= block.first_offset - block.carry_offset,
                "carried bytes end before the block's first record");
  base_ = block.base;
  limit_ = block.limit_offset;
  begin_ = carried_bytes == 0 ? block.first_offset : block.carry_offset;
  filled_ = begin_ + carried_bytes;
  open_ = {};
  copied_bytes_ = 0;
}

bool DilateEncoder::leaves_in_place(std::span<const PacketDescriptor> packets, bool /*begins*/) const noexcept {
  return std::ranges::all_of(packets, [](const PacketDescriptor& packet) { return packet.offset % 4 == 0; });
}

// pcapng wants everything at multiples of 4. PACKET_RESERVE sees to that, except where one ring serves devices with
// link-layer headers of different lengths.
inline std::uint32_t DilateEncoder::data_in_phase(const PacketDescriptor& packet) noexcept {
  const auto offset = static_cast<std::uint32_t>(packet.offset);
  const std::uint32_t in_phase = offset & ~3U;
  if (in_phase != offset) [[unlikely]] {
    std::memmove(base_ + in_phase, base_ + offset, packet.captured_length);
    copied_bytes_ += packet.captured_length;
  }
  return in_phase;
}

void DilateEncoder::close_up_to(std::uint32_t head) noexcept {
  if (open_.is_open()) {
    close_packet_block(base_, open_, head);
  } else {
    store_filler(base_ + filled_, head - filled_);
  }
}

void DilateEncoder::add(std::span<const PacketDescriptor> packets, InterfaceMap interfaces) noexcept {
  if (packets.empty()) return;
  std::uint32_t data = data_in_phase(packets.front());
  close_up_to(data - head_bytes);

  std::byte* const base = base_;
  const PacketDescriptor* const last = &packets.back();
  for (const PacketDescriptor* packet = packets.data(); packet != last; ++packet) {
    const std::uint32_t next_data = data_in_phase(packet[1]);
    const std::uint32_t total = next_data - data;
    std::byte* const head = base + data - head_bytes;
    store_packet_head(head, *packet, interfaces[packet->interface_id], total);

    const std::uint32_t data_end = data + packet->captured_length;
    const std::uint32_t gap = next_data - head_bytes - data_end;
    if (gap - smallest_gap <= largest_common_gap - smallest_gap) [[likely]] {
      clear_gap(base + data_end, gap);
      std::byte* const at = store_known_options(base + align_up_4(data_end), packet->flags, packet->rx_hash);
      std::byte* const trailer = head + total - block_trailer_bytes;
      const auto filling = static_cast<std::uint16_t>(static_cast<std::size_t>(trailer - at) - 2 * sizeof(OptionHead));
      store(at, OptionHead{option_code::custom_not_copied, filling});
      store(trailer, total);
    } else {
      close_packet_block(base, {data - head_bytes, data_end, packet->flags, packet->rx_hash}, next_data - head_bytes);
    }
    data = next_data;
  }
  store_packet_head(base + data - head_bytes, *last, interfaces[last->interface_id], 0);
  open_ = {data - head_bytes, data + last->captured_length, last->flags, last->rx_hash};
}

EncodedBlock DilateEncoder::finish(std::uint32_t alignment) noexcept {
  const std::uint32_t step = alignment < 4 ? 4 : alignment;
  const std::uint32_t end =
      open_.is_open() ? close_packet_block_aligned(base_, open_, step, limit_) : fill_up(base_, filled_, step);
  return {.begin = begin_, .end = end, .dilated = true, .copied_bytes = copied_bytes_};
}

}  // namespace ringtail::pcapfile
