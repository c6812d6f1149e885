// How a ring is cut into blocks, worked out from the options and checked before the kernel is asked.
#pragma once

#include <cstddef>
#include <cstdint>

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>

namespace ringtail::tpacket {

/// Captured bytes above this are refused by readers once four bytes of VLAN tag are back (wireshark
/// WTAP_MAX_PACKET_SIZE_STANDARD and libpcap MAXIMUM_SNAPLEN are 262144).
inline constexpr std::uint32_t largest_captured_length = 262140;

/// The largest tp_mac there is: TPACKET_ALIGN(68 + 16) + reserve for a device without a link-layer header.
inline constexpr std::uint32_t largest_mac_offset = 98;

/// Direct I/O alignment that every block is prepared for (statx STATX_DIOALIGN: 512 or 4096).
inline constexpr std::uint32_t direct_io_alignment_bytes = 4096;

///   0        kernel's block descriptor
///   4096     carry_offset: the encoder's, direct-I/O aligned
///   8192     first_offset: the first tpacket3_hdr
///   ...      block_bytes
/// Small blocks have no room to spare: then carry_offset is 0 (no in-place encoding) and the records start at 48.
struct Geometry {
  std::uint32_t block_bytes = 0;
  std::uint32_t block_count = 0;
  std::uint32_t carry_offset = 0;
  std::uint32_t first_offset = 0;
  std::uint32_t private_bytes = 0;      ///< tp_sizeof_priv
  std::uint32_t reserve_bytes = 0;      ///< PACKET_RESERVE: makes packet bytes 4-aligned, as pcapng wants them
  std::uint32_t retire_timeout_ms = 0;  ///< tp_retire_blk_tov
  std::uint32_t snaplen = 0;            ///< what the caller wants
  std::uint32_t captured_limit = 0;     ///< what the kernel filter returns: snaplen, or less where room is short

  [[nodiscard]] std::size_t ring_bytes() const { return std::size_t{block_bytes} * block_count; }
};

/// `link_header_bytes`: 14 for Ethernet, 0 for layer-3 devices; "any" takes Ethernet's.
/// Errors: impossible sizes, with what would be possible.
[[nodiscard]] Result<Geometry> compute_geometry(const OpenOptions& options, std::uint32_t link_header_bytes);

}  // namespace ringtail::tpacket
