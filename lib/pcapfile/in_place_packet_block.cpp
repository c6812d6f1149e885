#include "pcapfile/in_place_packet_block.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace ringtail::pcapfile::pcapng {

namespace {

// An option without a value, where four bytes are too many and a custom option is too long. Option types with the top
// bit set are for local use (section 3.5); no reader has a word to say about this one.
constexpr std::uint16_t spacer = 0xd254;
constexpr std::uint32_t spacer_bytes = sizeof(OptionHead);

constexpr std::uint32_t align_up(std::uint32_t value, std::uint32_t alignment) noexcept {
  return (value + alignment - 1) & ~(alignment - 1);
}

std::uint32_t natural_end(const OpenPacketBlock& block) noexcept {
  return align_up_4(block.data_end) + option_list_bytes(block.flags) + block_trailer_bytes;
}

// Keeps of `flags` what can be told in `room` bytes with the end of the list behind it: direction before hash.
std::uint32_t flags_that_fit(std::uint32_t flags, std::uint32_t room) noexcept {
  if (option_list_bytes(flags) > room) flags &= ~packet_flags::rx_hash_valid;
  if (option_list_bytes(flags) > room) flags = 0;
  return flags;
}

// What is left of an option list behind the options that say something.
void store_end_of_list(std::byte* at, std::uint32_t bytes) noexcept {
  if (bytes == 0) return;
  const std::uint32_t padding = bytes - end_of_options_bytes;
  if (padding >= smallest_padding_option_bytes) {
    at = store_padding_option(at, padding);
  } else if (padding == spacer_bytes) {
    at = store(at, OptionHead{spacer, 0});
  }
  store_end_of_options(at);
}

}  // namespace

void close_packet_block(std::byte* base, const OpenPacketBlock& block, std::uint32_t end) noexcept {
  const std::uint32_t options = align_up_4(block.data_end);
  base::require(end % 4 == 0 && end >= options + block_trailer_bytes, "a packet block has room for its end");
  const std::uint32_t natural = natural_end(block);
  if (end > natural + largest_padding_option_bytes) {
    store_filler(base + natural, end - natural);
    end = natural;
  }
  std::memset(base + block.data_end, 0, options - block.data_end);
  const std::uint32_t room = end - block_trailer_bytes - options;
  const std::uint32_t flags = flags_that_fit(block.flags, room);
  std::byte* const at = store_known_options(base + options, flags, block.rx_hash);
  store_end_of_list(at, room - known_options_bytes(flags));

  const std::uint32_t total = end - block.begin;
  store(base + block.begin + offsetof(BlockHead, total_length), total);
  store(base + end - block_trailer_bytes, total);
}

std::uint32_t close_packet_block_aligned(std::byte* base, const OpenPacketBlock& block, std::uint32_t alignment,
                                         std::uint32_t limit) noexcept {
  const std::uint32_t end = align_up(natural_end(block), alignment);
  base::require(end <= limit, "a ring block has room for the end of its last packet block");
  close_packet_block(base, block, end);
  return end;
}

std::uint32_t fill_up(std::byte* base, std::uint32_t begin, std::uint32_t alignment) noexcept {
  std::uint32_t end = align_up(begin, alignment);
  if (end == begin) return end;
  if (end - begin < smallest_block_bytes) end += align_up(smallest_block_bytes, alignment);
  store_filler(base + begin, end - begin);
  return end;
}

}  // namespace ringtail::pcapfile::pcapng
