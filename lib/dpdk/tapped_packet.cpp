#include "dpdk/tapped_packet.hpp"

#include <ringtail/packet.hpp>

namespace ringtail::dpdk {

namespace {

constexpr std::uint32_t packet_block = 6;  // pcapng draft, section 4.3
constexpr std::uint16_t flags_option = 2;  // epb_flags; its two lowest bits are the direction
constexpr std::uint16_t queue_option = 6;  // epb_queue
constexpr std::uint32_t tag_bytes = 4;

constexpr std::uint64_t still_so_inbound = RTE_MBUF_F_RX_RSS_HASH | RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_QINQ |
                                           RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;

std::uint32_t padded(std::uint32_t bytes) noexcept {
  return (bytes + 3) & ~3U;
}

// Another process wrote it: each length is checked against what there is.
bool is_block(const TappedHead& head, const rte_mbuf& packet) noexcept {
  constexpr std::uint32_t around = sizeof(TappedHead) + sizeof(TappedOptions) + sizeof(std::uint32_t);
  return head.block_type == packet_block && head.block_length == packet.pkt_len && packet.pkt_len >= around &&
         head.packet_length <= packet.pkt_len - around && padded(head.packet_length) <= packet.pkt_len - around;
}

// The tags that are in the bytes now, and were not when the application's length was read.
std::uint32_t tags_put_back(std::uint64_t offloads, bool outbound) noexcept {
  const std::uint64_t single = outbound ? RTE_MBUF_F_TX_VLAN : RTE_MBUF_F_RX_VLAN_STRIPPED;
  const std::uint64_t second = outbound ? RTE_MBUF_F_TX_QINQ : RTE_MBUF_F_RX_QINQ_STRIPPED;
  return ((offloads & single) != 0 ? 1U : 0U) + ((offloads & second) == second ? 1U : 0U);
}

TappedNote read_note(const TappedHead& head, const TappedOptions& options, std::uint64_t offloads) noexcept {
  TappedNote note = {};
  note.stamp = std::uint64_t{head.stamp_high} << 32 | head.stamp_low;
  if (options.flags_code == flags_option) note.flags = options.flags & packet_flags::direction_mask;
  if (options.queue_code == queue_option) note.queue = static_cast<std::uint16_t>(options.queue);
  const bool outbound = note.flags == packet_flags::outbound;
  if (outbound && (offloads & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IP_CKSUM)) != 0) {
    note.flags |= packet_flags::checksum_missing;
  }
  note.wire_length = head.wire_length + tags_put_back(offloads, outbound) * tag_bytes;
  if (note.wire_length < head.packet_length) note.wire_length = head.packet_length;
  return note;
}

}  // namespace

bool unwrap(rte_mbuf& packet) noexcept {
  TappedHead head;
  if (packet.data_len < sizeof head) return false;
  std::memcpy(&head, rte_pktmbuf_mtod(&packet, const char*), sizeof head);
  if (!is_block(head, packet)) return false;
  TappedOptions options;
  TappedOptions gathered;  // where they lie in several mbufs
  std::memcpy(&options, rte_pktmbuf_read(&packet, sizeof head + padded(head.packet_length), sizeof gathered, &gathered),
              sizeof options);

  rte_pktmbuf_adj(&packet, sizeof head);
  if (rte_pktmbuf_trim(&packet, static_cast<std::uint16_t>(packet.pkt_len - head.packet_length)) != 0) return false;
  const TappedNote note = read_note(head, options, packet.ol_flags);
  packet.ol_flags &= (note.flags & packet_flags::outbound) != 0 ? 0 : still_so_inbound;
  std::memcpy(rte_pktmbuf_mtod(&packet, char*) - sizeof head, &note, sizeof note);
  return true;
}

}  // namespace ringtail::dpdk
