#include "bench/ring_image.hpp"

#include <cstring>
#include <sys/socket.h>

#include "tpacket/block.hpp"

namespace ringtail::bench {

namespace {

// Together larger than a second-level cache, so that a block is not still there from the lap before.
constexpr std::size_t different_blocks = 8;
constexpr std::uint64_t first_timestamp_ns = 1'700'000'000'000'000'000;
constexpr std::uint64_t between_packets_ns = 1000;

constexpr std::uint32_t align_up(std::uint32_t value, std::uint32_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

/// Lays one record after the other into a block.
class BlockFiller {
 public:
  explicit BlockFiller(const tpacket::Geometry& geometry)
      : geometry_(geometry), bytes_(geometry.block_bytes), next_(geometry.first_offset) {}

  /// False: no room is left.
  [[nodiscard]] bool add(const Frame& frame, std::uint64_t timestamp_ns) {
    const auto captured = static_cast<std::uint32_t>(frame.size());
    const std::uint32_t record_bytes = align_up(mac_offset() + captured, 8);  // V3_ALIGNMENT
    if (next_ + record_bytes > geometry_.block_bytes) return false;
    tpacket3_hdr header = {};
    header.tp_next_offset = record_bytes;
    header.tp_sec = static_cast<std::uint32_t>(timestamp_ns / 1'000'000'000);
    header.tp_nsec = static_cast<std::uint32_t>(timestamp_ns % 1'000'000'000);
    header.tp_snaplen = captured;
    header.tp_len = captured;
    header.tp_status = TP_STATUS_USER;
    header.tp_mac = static_cast<std::uint16_t>(mac_offset());
    header.tp_net = static_cast<std::uint16_t>(mac_offset() + ethernet_bytes);
    sockaddr_ll address = {};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = 1;
    address.sll_hatype = 1;  // ARPHRD_ETHER
    address.sll_pkttype = PACKET_OTHERHOST;
    std::byte* const record = bytes_.data() + next_;
    std::memcpy(record, &header, sizeof header);
    std::memcpy(record + tpacket::address_offset, &address, sizeof address);
    std::memcpy(record + mac_offset(), frame.data(), frame.size());
    last_ = next_;
    next_ += record_bytes;
    ++block_.packets;
    block_.captured_bytes += captured;
    return true;
  }

  [[nodiscard]] RingImage::Block finish() && {
    reinterpret_cast<tpacket3_hdr*>(bytes_.data() + last_)->tp_next_offset = 0;
    auto& header = reinterpret_cast<tpacket_block_desc*>(bytes_.data())->hdr.bh1;
    header.num_pkts = static_cast<std::uint32_t>(block_.packets);
    header.offset_to_first_pkt = geometry_.first_offset;
    header.blk_len = next_;
    bytes_.resize(next_);
    block_.bytes = std::move(bytes_);
    return std::move(block_);
  }

 private:
  static constexpr std::uint32_t ethernet_bytes = 14;
  static constexpr std::uint32_t smallest_header_bytes = 16;  // tpacket_rcv(): maclen < 16 counts as 16

  [[nodiscard]] std::uint32_t mac_offset() const {
    const std::uint32_t network = TPACKET_ALIGN(tpacket::record_header_bytes + smallest_header_bytes);
    return network + geometry_.reserve_bytes - ethernet_bytes;
  }

  const tpacket::Geometry& geometry_;
  std::vector<std::byte> bytes_;
  std::uint32_t next_;
  std::uint32_t last_ = 0;
  RingImage::Block block_;
};

}  // namespace

RingImage::RingImage(const tpacket::Geometry& geometry, const Traffic& traffic) {
  std::uint64_t number = 0;
  while (blocks_.size() < different_blocks) {
    BlockFiller filler(geometry);
    while (filler.add(traffic.frames()[number % traffic.frames().size()],
                      first_timestamp_ns + number * between_packets_ns)) {
      ++number;
    }
    blocks_.push_back(std::move(filler).finish());
  }
}

}  // namespace ringtail::bench
