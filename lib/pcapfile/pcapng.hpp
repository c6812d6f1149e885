// pcapng as bytes: the numbers, the layouts, and functions that write whole blocks.
//
// Source of every figure here: draft-ietf-opsawg-pcapng, sections 3 and 4. Files are written in this machine's byte
// order, which the draft allows and readers expect.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <ringtail/interface.hpp>
#include <ringtail/packet.hpp>

#include "pcapfile/bytes.hpp"

namespace ringtail::pcapfile::pcapng {

namespace block_type {
inline constexpr std::uint32_t section_header = 0x0a0d0d0a;  // a palindrome: the same in both byte orders
inline constexpr std::uint32_t interface_description = 1;
inline constexpr std::uint32_t obsolete_packet = 2;
inline constexpr std::uint32_t simple_packet = 3;
inline constexpr std::uint32_t interface_statistics = 5;
inline constexpr std::uint32_t enhanced_packet = 6;
/// Ours, for bytes that mean nothing. The top bit marks types for local use (section 3.1); all readers skip this one
/// without a word, where they list custom blocks (0x0bad) as packets.
inline constexpr std::uint32_t filler = 0x80525431;
}  // namespace block_type

namespace option_code {
inline constexpr std::uint16_t end_of_options = 0;
inline constexpr std::uint16_t comment = 1;
/// Binary, and not to be copied into files made from this one. Carries an enterprise number, so at least 4 bytes.
inline constexpr std::uint16_t custom_not_copied = 19373;

inline constexpr std::uint16_t shb_hardware = 2;
inline constexpr std::uint16_t shb_os = 3;
inline constexpr std::uint16_t shb_userappl = 4;

inline constexpr std::uint16_t if_name = 2;
inline constexpr std::uint16_t if_description = 3;
inline constexpr std::uint16_t if_macaddr = 6;
inline constexpr std::uint16_t if_speed = 8;
inline constexpr std::uint16_t if_tsresol = 9;
inline constexpr std::uint16_t if_filter = 11;
inline constexpr std::uint16_t if_os = 12;
inline constexpr std::uint16_t if_tsoffset = 14;
inline constexpr std::uint16_t if_hardware = 15;

inline constexpr std::uint16_t epb_flags = 2;
inline constexpr std::uint16_t epb_hash = 3;
inline constexpr std::uint16_t epb_queue = 6;

inline constexpr std::uint16_t isb_starttime = 2;
inline constexpr std::uint16_t isb_endtime = 3;
inline constexpr std::uint16_t isb_ifrecv = 4;
inline constexpr std::uint16_t isb_ifdrop = 5;
inline constexpr std::uint16_t isb_osdrop = 7;
inline constexpr std::uint16_t isb_usrdeliv = 8;
}  // namespace option_code

/// Every block, section 3.1: type and length in front, the length again behind, everything in multiples of 4.
///
///      0       4       8                          n-4      n
///      | type  | total |  body ...                | total |
struct BlockHead {
  std::uint32_t type;
  std::uint32_t total_length;  ///< head, body and trailer
};
static_assert(sizeof(BlockHead) == 8);

inline constexpr std::uint32_t block_trailer_bytes = 4;
inline constexpr std::uint32_t smallest_block_bytes = sizeof(BlockHead) + block_trailer_bytes;

inline constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;
inline constexpr std::int64_t section_length_unknown = -1;

/// Section Header Block before its options, section 4.1.
///
///      0       4       8       12    14    16              24
///      | type  | total | magic | maj | min | section length| options ...
struct SectionHead {
  BlockHead block;
  std::uint32_t magic;
  std::uint16_t major_version;
  std::uint16_t minor_version;
  std::int64_t section_length;
};
static_assert(sizeof(SectionHead) == 24);
static_assert(offsetof(SectionHead, magic) == 8);
static_assert(offsetof(SectionHead, section_length) == 16);

/// Interface Description Block before its options, section 4.2.
///
///      0       4       8     10    12      16
///      | type  | total | link| 0   | snap. | options ...
struct InterfaceHead {
  BlockHead block;
  std::uint16_t link_type;
  std::uint16_t reserved;
  std::uint32_t snaplen;
};
static_assert(sizeof(InterfaceHead) == 16);
static_assert(offsetof(InterfaceHead, snaplen) == 12);

/// Enhanced Packet Block before its data, section 4.3. Data is padded to 4 with zeros; options may follow it.
///
///      0       4       8       12      16      20      24      28
///      | type  | total | iface | ts hi | ts lo | capt. | wire  | data, pad, options, total
struct EnhancedPacketHead {
  BlockHead block;
  std::uint32_t interface_id;
  std::uint32_t timestamp_high;
  std::uint32_t timestamp_low;
  std::uint32_t captured_length;
  std::uint32_t wire_length;
};
static_assert(sizeof(EnhancedPacketHead) == 28);
static_assert(offsetof(EnhancedPacketHead, timestamp_high) == 12);
static_assert(offsetof(EnhancedPacketHead, wire_length) == 24);

/// Simple Packet Block before its data, section 4.4. No options; read, never written.
///
///      0       4       8       12
///      | type  | total | wire  | data, pad, total
struct SimplePacketHead {
  BlockHead block;
  std::uint32_t wire_length;
};
static_assert(sizeof(SimplePacketHead) == 12);

/// Interface Statistics Block before its options, section 4.6.
///
///      0       4       8       12      16      20
///      | type  | total | iface | ts hi | ts lo | options ...
struct StatisticsHead {
  BlockHead block;
  std::uint32_t interface_id;
  std::uint32_t timestamp_high;
  std::uint32_t timestamp_low;
};
static_assert(sizeof(StatisticsHead) == 20);

/// One option, section 3.5. The value is padded to 4 with zeros, which `length` does not count.
///
///      0     2     4
///      | code| len | value, pad
struct OptionHead {
  std::uint16_t code;
  std::uint16_t length;
};
static_assert(sizeof(OptionHead) == 4);

// ---- Blocks written once in a while: appended to a growing buffer -------------------------------------------------

using Bytes = std::vector<std::byte>;

/// What a section says about its maker. Empty strings are left out.
struct SectionDescription {
  std::string_view hardware = {};
  std::string_view operating_system = {};
  std::string_view application = {};
  std::string_view comment = {};
};
void append_section_header(Bytes& out, const SectionDescription& section);

/// Time stamps are declared to be nanoseconds. `snaplen` is the file's (0: no limit): libpcap refuses a file in which
/// two interfaces have different ones, so the interface's own is not used.
void append_interface_description(Bytes& out, const Interface& interface, std::uint32_t snaplen,
                                  std::string_view operating_system);

/// Figures of one interface since `start_ns`; the meaning of each is in section 4.6.
struct InterfaceCounters {
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  std::uint64_t received = 0;           ///< isb_ifrecv
  std::uint64_t dropped_interface = 0;  ///< isb_ifdrop
  std::uint64_t dropped_ring = 0;       ///< isb_osdrop
  std::uint64_t delivered = 0;          ///< isb_usrdeliv
};
void append_interface_statistics(Bytes& out, std::uint32_t interface_id, const InterfaceCounters& counters);

/// An Interface Statistics Block without figures: only a comment about the interface, and when it was made.
void append_interface_note(Bytes& out, std::uint32_t interface_id, std::uint64_t timestamp_ns, std::string_view note);

// ---- Pieces written per packet or per block: stored into memory that has room for them ----------------------------

/// Two numbers of 4 bytes as one of 8. Packet heads are made of such pairs: half the stores.
inline std::byte* store_pair(std::byte* at, std::uint32_t first, std::uint32_t second) noexcept {
  constexpr bool first_is_low = std::endian::native == std::endian::little;
  return store(at, std::uint64_t{first} << (first_is_low ? 0 : 32) | std::uint64_t{second} << (first_is_low ? 32 : 0));
}

/// A packet's head, with `total_length` as the caller has worked it out and the file's interface id. Field by field and
/// not as a struct: the struct would be built on the stack and copied in wider pieces, which stalls store forwarding
/// (measured: 5 ns per packet).
inline std::byte* store_packet_head(std::byte* at, const PacketDescriptor& packet, std::uint32_t interface_id,
                                    std::uint32_t total_length) noexcept {
  at = store_pair(at, block_type::enhanced_packet, total_length);
  at = store(at, interface_id);
  at = store_pair(at, static_cast<std::uint32_t>(packet.timestamp_ns >> 32),
                  static_cast<std::uint32_t>(packet.timestamp_ns));
  return store_pair(at, packet.captured_length, packet.wire_length);
}

inline constexpr std::uint32_t end_of_options_bytes = sizeof(OptionHead);
inline std::byte* store_end_of_options(std::byte* at) noexcept {
  return store(at, OptionHead{option_code::end_of_options, 0});
}

inline constexpr std::uint32_t flags_option_bytes = sizeof(OptionHead) + 4;
/// epb_flags: direction and reception of `packet_flags`, whose bits are pcapng's own.
inline std::byte* store_flags_option(std::byte* at, std::uint32_t flags) noexcept {
  constexpr auto head = std::bit_cast<std::uint32_t>(OptionHead{option_code::epb_flags, 4});
  return store_pair(at, head, flags & packet_flags::pcapng_mask);
}

inline constexpr std::uint32_t queue_option_bytes = sizeof(OptionHead) + 4;
/// epb_queue: the interface's receive queue.
inline std::byte* store_queue_option(std::byte* at, std::uint32_t queue) noexcept {
  at = store(at, OptionHead{option_code::epb_queue, 4});
  return store(at, queue);
}

inline constexpr std::byte hash_is_toeplitz{5};  // the first octet of epb_hash
inline constexpr std::uint32_t hash_option_bytes = sizeof(OptionHead) + 8;
/// epb_hash: the flow hash, marked as Toeplitz, the only receive-side hash that the draft has a number for.
inline std::byte* store_hash_option(std::byte* at, std::uint32_t rx_hash) noexcept {
  at = store(at, OptionHead{option_code::epb_hash, 5});
  at = store(at, hash_is_toeplitz);
  at = store(at, rx_hash);
  std::memset(at, 0, 3);
  return at + 3;
}

inline constexpr std::uint32_t smallest_padding_option_bytes = 8;
inline constexpr std::uint32_t largest_padding_option_bytes = 65536;
/// A custom option of zeros, `bytes` long with its head: a multiple of 4 between the two limits above.
std::byte* store_padding_option(std::byte* at, std::uint32_t bytes) noexcept;

/// Readers refuse blocks beyond 16 MiB (libpcap: INITIAL_MAX_BLOCKSIZE), so longer fillers are cut into several.
inline constexpr std::uint32_t largest_filler_bytes = 8U << 20;
/// Covers `bytes` with filler blocks, their bodies zeroed: a multiple of 4, at least smallest_block_bytes.
std::byte* store_filler(std::byte* at, std::uint32_t bytes) noexcept;

}  // namespace ringtail::pcapfile::pcapng
