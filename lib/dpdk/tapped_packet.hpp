// A packet as rte_pdump hands it to a tap: a copy in an mbuf, with a pcapng packet block around it.
#pragma once

#include <cstdint>
#include <cstring>
#include <rte_mbuf.h>
#include <rte_version.h>

namespace ringtail::dpdk {

/// What rte_pcapng_copy() puts before the packet (lib/pcapng/rte_pcapng.c); an Enhanced Packet Block's head.
///
///      0      4              8              12           16          20              24            28
///      | type | block_length | interface_id | stamp_high | stamp_low | packet_length | wire_length | packet ...
struct TappedHead {
  std::uint32_t block_type;
  std::uint32_t block_length;
  std::uint32_t interface_id;
  std::uint32_t stamp_high;
  std::uint32_t stamp_low;
  std::uint32_t packet_length;
  std::uint32_t wire_length;
};
static_assert(sizeof(TappedHead) == 28);

/// And behind the packet, which is padded to four bytes. After this perhaps a hash, and then the block's length.
///
///      0           4       8           12      16
///      | 2, 4 long | flags | 6, 4 long | queue |
struct TappedOptions {
  std::uint16_t flags_code;
  std::uint16_t flags_length;
  std::uint32_t flags;
  std::uint16_t queue_code;
  std::uint16_t queue_length;
  std::uint32_t queue;
};
static_assert(sizeof(TappedOptions) == 16);

/// From DPDK 23.11 on, stamps are the TSC's reading; before, nanoseconds by a clock of the application's own
/// (stamp_clock.hpp).
inline constexpr bool stamps_are_ticks = RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0);

/// What a block said. unwrap() leaves it in the headroom, where the head was.
struct TappedNote {
  std::uint64_t stamp;
  std::uint32_t wire_length;
  std::uint32_t flags;  ///< packet_flags: the direction, and a checksum that is not filled in yet
  std::uint16_t queue;
};
static_assert(sizeof(TappedNote) <= sizeof(TappedHead));

/// Takes the block away from around the packet: data and lengths are then the packet's, and its offload flags say only
/// what is still so. False when there is no such block around it; the packet is of no use then.
[[nodiscard]] bool unwrap(rte_mbuf& packet) noexcept;

/// `packet` was unwrapped, and its data has not moved since.
[[nodiscard]] inline TappedNote note_of(const rte_mbuf& packet) noexcept {
  TappedNote note;
  std::memcpy(&note, rte_pktmbuf_mtod(&packet, const char*) - sizeof(TappedHead), sizeof note);
  return note;
}

}  // namespace ringtail::dpdk
