#include "pcapfile/block_walk.hpp"

#include "pcapfile/pcapng.hpp"

namespace ringtail::pcapfile::pcapng {

namespace {

BlockLook broken(const char* problem) {
  return {.framing = Framing::broken, .problem = problem};
}

}  // namespace

BlockLook look_at_block(std::span<const std::byte> bytes, ByteOrder& order) noexcept {
  if (bytes.size() < smallest_block_bytes) {
    return {.framing = Framing::incomplete, .type = 0, .total_length = smallest_block_bytes};
  }
  const std::uint32_t type = order.u32(bytes.data());
  std::uint32_t shortest = smallest_block_bytes;
  if (type == block_type::section_header) {
    const auto magic = load<std::uint32_t>(bytes.data() + offsetof(SectionHead, magic));
    const bool swapped = magic == __builtin_bswap32(byte_order_magic);
    if (magic != byte_order_magic && !swapped) return broken("a section header without a byte-order magic");
    order = ByteOrder(swapped);
    shortest = sizeof(SectionHead) + block_trailer_bytes;
  }

  const std::uint32_t total_length = order.u32(bytes.data() + offsetof(BlockHead, total_length));
  if (total_length < shortest) return broken("a block shorter than any can be");
  if (total_length % 4 != 0) return broken("a block whose length is no multiple of 4");
  if (total_length > bytes.size()) return {.framing = Framing::incomplete, .type = type, .total_length = total_length};
  if (!trailer_agrees(bytes.data() + total_length - block_trailer_bytes, total_length, order)) {
    return broken("a block whose two lengths differ");
  }
  return {.framing = Framing::whole, .type = type, .total_length = total_length};
}

}  // namespace ringtail::pcapfile::pcapng
