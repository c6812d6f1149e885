// Why a record never runs over a packet that has not been moved yet: the kernel spends at least 68 bytes in front of a
// packet (64 after a tag went back in) and rounds up to 8. A pcapng record needs at most 56 beside the packet bytes
// padded to 4 (head 28, flags 8, hash 12, end of options 4, trailer 4), a pcap record 16. So if a record begins no
// later than the kernel's record of the same packet, then so does the next one, and the first does because what is
// carried in ends before it.
#include "pcapfile/in_place_compact.hpp"

#include "base/contract.hpp"
#include "pcapfile/in_place_move.hpp"
#include "pcapfile/in_place_packet_block.hpp"
#include "pcapfile/pcap.hpp"

namespace ringtail::pcapfile {

namespace {

// What the formats have in common. A Format knows how to write one record and how to bring the end of the last one to
// an alignment.
template <typename Format>
class CompactEncoder final : public InPlaceEncoder {
 public:
  void begin(const detail::InPlace& block, std::uint32_t carried_bytes) noexcept override {
    base::require(carried_bytes % Format::alignment == 0 && carried_bytes <= block.first_offset - block.carry_offset,
                  "carried bytes end before the block's first record");
    base_ = block.base;
    limit_ = block.limit_offset;
    begin_ = block.carry_offset;
    end_ = begin_ + carried_bytes;
    last_ = {};
    copied_bytes_ = 0;
  }

  [[nodiscard]] bool leaves_in_place(std::span<const PacketDescriptor> packets,
                                     bool /*begins*/) const noexcept override {
    return packets.empty();
  }

  void add(std::span<const PacketDescriptor> packets, InterfaceMap interfaces) noexcept override {
    if (packets.empty()) return;
    std::byte* const base = base_;
    const std::byte* const limit = base + limit_;
    std::uint64_t copied_bytes = 0;
    std::byte* at = base + end_;
    std::byte* last = at;
    for (const PacketDescriptor& packet : packets) {
      last = at;
      at = Format::store_record(at, packet, base + packet.offset, limit, interfaces);
      copied_bytes += packet.captured_length;
    }
    end_ = static_cast<std::uint32_t>(at - base);
    last_ = Format::describe(static_cast<std::uint32_t>(last - base), packets.back());
    copied_bytes_ += copied_bytes;
  }

  EncodedBlock finish(std::uint32_t alignment) noexcept override {
    if (alignment > 1) end_ = Format::align_end(base_, last_, end_, alignment, limit_);
    return {.begin = begin_, .end = end_, .dilated = false, .copied_bytes = copied_bytes_};
  }

 private:
  std::byte* base_ = nullptr;
  std::uint32_t limit_ = 0;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  typename Format::Last last_;
  std::uint64_t copied_bytes_ = 0;
};

struct CompactPcapng {
  static constexpr std::uint32_t alignment = 4;
  using Last = pcapng::OpenPacketBlock;

  static std::byte* store_record(std::byte* at, const PacketDescriptor& packet, const std::byte* data,
                                 const std::byte* limit, InterfaceMap interfaces) noexcept {
    using namespace pcapng;
    const std::uint32_t captured = packet.captured_length;
    const std::uint32_t flags = packet.flags;
    const std::uint32_t hash = packet.rx_hash;
    const std::uint32_t list = option_list_bytes(flags);
    const std::uint32_t total =
        static_cast<std::uint32_t>(sizeof(EnhancedPacketHead)) + align_up_4(captured) + list + block_trailer_bytes;
    at = store_packet_head(at, packet, interfaces[packet.interface_id], total);
    move_down(at, data, captured, limit);
    store(at + captured, std::uint32_t{0});  // the padding, and then some that is written next
    at += align_up_4(captured);
    at = store_known_options(at, flags, hash);
    if (list != 0) at = store_end_of_options(at);
    return store(at, total);
  }

  static Last describe(std::uint32_t begin, const PacketDescriptor& packet) noexcept {
    const auto head = static_cast<std::uint32_t>(sizeof(pcapng::EnhancedPacketHead));
    return {begin, begin + head + packet.captured_length, packet.flags, packet.rx_hash};
  }

  static std::uint32_t align_end(std::byte* base, const Last& last, std::uint32_t end, std::uint32_t multiple,
                                 std::uint32_t limit) noexcept {
    return last.is_open() ? close_packet_block_aligned(base, last, multiple, limit)
                          : pcapng::fill_up(base, end, multiple);
  }
};

template <pcap::Precision precision>
struct CompactPcap {
  static constexpr std::uint32_t alignment = 1;
  struct Last {};

  static std::byte* store_record(std::byte* at, const PacketDescriptor& packet, const std::byte* data,
                                 const std::byte* limit, InterfaceMap /*interfaces*/) noexcept {
    const std::uint32_t captured = packet.captured_length;
    at = store(at, pcap::make_record_head<precision>(packet));
    move_down(at, data, captured, limit);
    return at + captured;
  }

  static Last describe(std::uint32_t /*begin*/, const PacketDescriptor& /*packet*/) noexcept { return {}; }

  static std::uint32_t align_end(std::byte* /*base*/, Last /*last*/, std::uint32_t end, std::uint32_t /*alignment*/,
                                 std::uint32_t /*limit*/) noexcept {
    return end;
  }
};

}  // namespace

std::unique_ptr<InPlaceEncoder> make_compact_encoder(FileFormat format) {
  switch (format) {
    case FileFormat::pcapng:
      return std::make_unique<CompactEncoder<CompactPcapng>>();
    case FileFormat::pcap:
      return std::make_unique<CompactEncoder<CompactPcap<pcap::Precision::microseconds>>>();
    case FileFormat::nsecpcap:
      return std::make_unique<CompactEncoder<CompactPcap<pcap::Precision::nanoseconds>>>();
  }
  base::require(false, "a file format is one of three");
  return nullptr;
}

}  // namespace ringtail::pcapfile
