// The TPACKET_V3 block as the kernel lays it out, and its status word: the only place where it is read or written.
//
//   0    tpacket_block_desc: version, offset_to_priv, then tpacket_hdr_v1
//   8      block_status          whose the block is (see BlockStatus)
//   12     num_pkts
//   16     offset_to_first_pkt   = 48 + priv, rounded up to 8
//   20     blk_len, seq_num, time of the first and last packet
//   48   private area, ours: tp_sizeof_priv bytes the kernel never touches
//   H    tpacket3_hdr (48) | sockaddr_ll (20) | .. | packet bytes at +tp_mac | padding to 8
//   ..   the next one at +tp_next_offset (0 in the last one)
//
// Source: linux net/packet/af_packet.c: prb_open_block(), prb_fill_curr_block(), prb_close_block(), tpacket_rcv();
// include/uapi/linux/if_packet.h.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <linux/if_packet.h>

#include "tpacket/block_pace.hpp"

namespace ringtail::tpacket {

inline constexpr std::uint32_t block_header_bytes = sizeof(tpacket_block_desc);
inline constexpr std::uint32_t address_offset = TPACKET_ALIGN(sizeof(tpacket3_hdr));
inline constexpr std::uint32_t record_header_bytes = TPACKET3_HDRLEN;
inline constexpr std::uint32_t vlan_tag_bytes = 4;
static_assert(block_header_bytes == 48);
static_assert(offsetof(tpacket_block_desc, hdr) == 8);
static_assert(sizeof(tpacket3_hdr) == 48 && address_offset == 48 && record_header_bytes == 68);
static_assert(offsetof(tpacket3_hdr, tp_mac) == 24 && offsetof(tpacket3_hdr, hv1) == 28);
static_assert(offsetof(sockaddr_ll, sll_ifindex) == 4 && offsetof(sockaddr_ll, sll_pkttype) == 10);

/// Access to one block's shared header. The kernel (or the fake kernel of the tests) is the other party.
class BlockHeader {
 public:
  explicit BlockHeader(std::byte* block) noexcept : header_(reinterpret_cast<tpacket_block_desc*>(block)->hdr.bh1) {}

  [[nodiscard]] bool is_ours() const noexcept {
    // Acquire pairs with the write barrier in prb_close_block(): the records and num_pkts are complete.
    return (status().load(std::memory_order_acquire) & TP_STATUS_USER) != 0;
  }

  /// Gives the block back. The status must become exactly 0: the kernel compares, it does not test the bit.
  void give_back() noexcept {
    // Cleared so that packets_so_far() never sees a count of the previous lap.
    packet_count().store(0, std::memory_order_relaxed);
    // Release pairs with the kernel's status read in prb_dispatch_next_block(): our last accesses are over.
    status().store(TP_STATUS_KERNEL, std::memory_order_release);
  }

  /// Packets in the block; final once the block is ours, a moment's view while the kernel fills it.
  [[nodiscard]] std::uint32_t packets_so_far() const noexcept { return packet_count().load(std::memory_order_relaxed); }

  /// A block that the retire timer handed over counts as closed then, not at its last packet.
  [[nodiscard]] BlockTimes times() const noexcept {
    return {nanoseconds(header_.ts_first_pkt), nanoseconds(header_.ts_last_pkt)};
  }

  /// As far as records reach, from the block's beginning. Once the block is ours.
  [[nodiscard]] std::uint32_t used_bytes() const noexcept { return header_.blk_len; }

  [[nodiscard]] std::uint32_t first_record_offset() const noexcept { return header_.offset_to_first_pkt; }

 private:
  [[nodiscard]] std::atomic_ref<std::uint32_t> status() const noexcept {
    return std::atomic_ref<std::uint32_t>(header_.block_status);
  }
  [[nodiscard]] std::atomic_ref<std::uint32_t> packet_count() const noexcept {
    return std::atomic_ref<std::uint32_t>(header_.num_pkts);
  }
  [[nodiscard]] static std::uint64_t nanoseconds(const tpacket_bd_ts& time) noexcept {
    return std::uint64_t{time.ts_sec} * 1'000'000'000 + time.ts_nsec;
  }

  tpacket_hdr_v1& header_;
};

}  // namespace ringtail::tpacket
