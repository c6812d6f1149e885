#include "tpacket/geometry.hpp"

#include <algorithm>
#include <bit>
#include <string>
#include <unistd.h>

#include "tpacket/block.hpp"

namespace ringtail::tpacket {

namespace {

constexpr std::size_t largest_block_bytes = std::size_t{64} << 20;
constexpr std::size_t smallest_in_place_block_bytes = std::size_t{256} << 10;
constexpr std::uint32_t first_offset_in_place = 2 * direct_io_alignment_bytes;
// What pcapng needs behind the last packet of a block: padding and the block's closing length.
constexpr std::uint32_t tail_bytes = 8;

Error impossible(const std::string& what, const std::string& why, const std::string& remedy) {
  return make_error("lay out the packet ring", what + " " + why, remedy);
}

Result<void> check(const OpenOptions& options) {
  const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t block = options.block_bytes;
  if (!std::has_single_bit(block) || block < page_bytes || block > largest_block_bytes) {
    return tl::unexpected(impossible(
        "block size " + std::to_string(block), "is not possible",
        "choose a power of two from " + std::to_string(page_bytes) + " to " + std::to_string(largest_block_bytes)));
  }
  if (options.buffer_bytes / block < 2) {
    return tl::unexpected(impossible(std::to_string(options.buffer_bytes) + " bytes of ring",
                                     "do not hold two blocks of " + std::to_string(block) + " bytes",
                                     "choose a larger buffer or smaller blocks"));
  }
  if (options.buffer_bytes / block > UINT32_MAX / 2) {
    return tl::unexpected(impossible(std::to_string(options.buffer_bytes) + " bytes of ring", "are too many blocks",
                                     "choose larger blocks"));
  }
  using namespace std::chrono_literals;
  if (options.retire_timeout < 1ms || options.retire_timeout > 10s) {
    return tl::unexpected(impossible("retire timeout " + std::to_string(options.retire_timeout.count()) + " ms",
                                     "is not possible", "choose 1 to 10000 ms"));
  }
  if (options.snaplen < 1 || options.snaplen > 262144) {
    return tl::unexpected(usage_error("set snaplen " + std::to_string(options.snaplen), "it is not possible",
                                      "choose 1 to 262144 bytes"));
  }
  if (options.batch_packets < 1 || options.batch_packets > 65536) {
    return tl::unexpected(impossible(std::to_string(options.batch_packets) + " packets a batch", "are not possible",
                                     "choose 1 to 65536"));
  }
  return {};
}

}  // namespace

Result<Geometry> compute_geometry(const OpenOptions& options, std::uint32_t link_header_bytes) {
  if (auto checked = check(options); !checked) return tl::unexpected(std::move(checked.error()));
  Geometry geometry;
  geometry.block_bytes = static_cast<std::uint32_t>(options.block_bytes);
  geometry.block_count = static_cast<std::uint32_t>(options.buffer_bytes / options.block_bytes);
  geometry.retire_timeout_ms = static_cast<std::uint32_t>(options.retire_timeout.count());
  geometry.reserve_bytes = link_header_bytes % 4;
  if (options.block_bytes >= smallest_in_place_block_bytes) {
    geometry.carry_offset = direct_io_alignment_bytes;
    geometry.first_offset = first_offset_in_place;
  } else {
    geometry.first_offset = block_header_bytes;
  }
  geometry.private_bytes = geometry.first_offset - block_header_bytes;
  // The kernel clamps a frame to what is left in an empty block (tpacket_rcv(), max_frame_len). Staying below leaves
  // room for the tail, and shows the cut in our own books.
  const std::uint32_t room =
      (geometry.block_bytes - geometry.first_offset - largest_mac_offset - tail_bytes) & ~std::uint32_t{3};
  geometry.snaplen = options.snaplen;
  geometry.captured_limit = std::min({options.snaplen, largest_captured_length, room});
  return geometry;
}

}  // namespace ringtail::tpacket
