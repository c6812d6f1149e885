#include <algorithm>
#include <optional>

#include "pcapfile/block_walk.hpp"
#include "pcapfile/damage_walk.hpp"
#include "pcapfile/pcapng.hpp"

namespace ringtail::pcapfile {

namespace {

using namespace pcapng;

constexpr std::uint64_t sector_bytes = 512;
/// No reader takes longer blocks (libpcap: 16 MiB), so no writer makes them.
constexpr std::uint32_t longest_block_bytes = 16U << 20;
constexpr std::uint32_t packet_head_bytes = sizeof(EnhancedPacketHead);

bool is_packet_type(std::uint32_t type) {
  return type == block_type::enhanced_packet || type == block_type::simple_packet ||
         type == block_type::obsolete_packet;
}

/// The types that capture programs write.
bool is_known_type(std::uint32_t type) {
  constexpr std::uint32_t name_resolution = 4;
  constexpr std::uint32_t decryption_secrets = 10;
  constexpr std::uint32_t custom = 0x0bad;
  constexpr std::uint32_t custom_not_copied = 0x40000bad;
  return is_packet_type(type) || type == block_type::section_header || type == block_type::interface_description ||
         type == block_type::interface_statistics || type == block_type::filler || type == name_resolution ||
         type == decryption_secrets || type == custom || type == custom_not_copied;
}

class PcapngWalk {
 public:
  explicit PcapngWalk(FileBytes& bytes) : bytes_(bytes) {}

  Damage run() {
    while (offset_ < bytes_.size()) {
      ByteOrder order = order_;
      const BlockLook block = look(offset_, order);
      if (block.framing == Framing::whole) {
        order_ = order;
        take(block);
        offset_ += block.total_length;
      } else if (!step_over(block)) {
        break;
      }
    }
    damage_.length = offset_;
    if (damage_.problem == nullptr) damage_.packets_before = damage_.packets;
    return std::move(damage_);
  }

 private:
  /// Wherever the block ends.
  [[nodiscard]] BlockLook look(std::uint64_t offset, ByteOrder& order) {
    const std::span<const std::byte> here = bytes_.at(offset, packet_head_bytes);
    const BlockLook block = look_at_block(here.first(std::min<std::size_t>(here.size(), packet_head_bytes)), order);
    if (block.framing != Framing::incomplete || here.size() < smallest_block_bytes) return block;
    const std::uint64_t trailer = offset + block.total_length - block_trailer_bytes;
    if (trailer + block_trailer_bytes > bytes_.size()) return block;
    const std::span<const std::byte> last = bytes_.at(trailer, block_trailer_bytes);
    const bool agrees = last.size() >= block_trailer_bytes && trailer_agrees(last.data(), block.total_length, order);
    if (!agrees) return {.framing = Framing::broken, .problem = "a block whose two lengths differ"};
    return {.framing = Framing::whole, .type = block.type, .total_length = block.total_length};
  }

  void take(const BlockLook& block) {
    if (block.type == block_type::section_header) interfaces_ = 0;
    if (block.type == block_type::interface_description) ++interfaces_;
    // Behind a hole that has swallowed its interface a block is of no use, and readers refuse the file for it.
    if (!damage_.holes.empty() && is_of_lost_interface(block)) return add_hole(offset_ + block.total_length);
    damage_.packets += is_packet_type(block.type) ? 1 : 0;
  }

  [[nodiscard]] bool is_of_lost_interface(const BlockLook& block) {
    if (block.type == block_type::simple_packet) return interfaces_ == 0;
    if (block.type != block_type::enhanced_packet && block.type != block_type::interface_statistics) return false;
    static_assert(offsetof(EnhancedPacketHead, interface_id) == offsetof(StatisticsHead, interface_id));
    constexpr std::size_t needed = offsetof(StatisticsHead, interface_id) + sizeof(std::uint32_t);
    const std::span<const std::byte> head = bytes_.at(offset_, needed);
    return head.size() >= needed && order_.u32(head.data() + offsetof(StatisticsHead, interface_id)) >= interfaces_;
  }

  /// From offset_ to `end`.
  void add_hole(std::uint64_t end) {
    if (!damage_.holes.empty() && damage_.holes.back().end == offset_) {
      damage_.holes.back().end = end;
    } else {
      damage_.holes.push_back({offset_, end, order_});
    }
  }

  /// Notes the damage at offset_. False when the walk ends there.
  [[nodiscard]] bool step_over(const BlockLook& block) {
    if (damage_.problem == nullptr) {
      damage_.problem = block.framing == Framing::broken ? block.problem : "a block that is cut off";
      damage_.offset = offset_;
      damage_.packets_before = damage_.packets;
    }
    if (offset_ == 0 || damage_.holes.size() >= Damage::most_holes) {
      damage_.is_repairable = false;
      return false;
    }
    if (const auto next = find_end_of_hole()) {
      add_hole(*next);
      offset_ = *next;
      return true;
    }
    damage_.is_repairable = is_torn_tail();
    return false;
  }

  [[nodiscard]] std::optional<std::uint64_t> find_end_of_hole() {
    const std::uint64_t first = (offset_ + smallest_block_bytes + sector_bytes - 1) / sector_bytes * sector_bytes;
    for (std::uint64_t at = first; at + smallest_block_bytes <= bytes_.size(); at += sector_bytes) {
      if (!follows_zeros(at)) continue;
      ByteOrder order = order_;
      const BlockLook block = look(at, order);
      if (block.framing == Framing::whole && is_known_type(block.type)) return at;
    }
    return std::nullopt;
  }

  /// Zeros up to `at`, and none there.
  [[nodiscard]] bool follows_zeros(std::uint64_t at) {
    constexpr std::size_t zeros = 2 * sizeof(std::uint64_t);
    if (at - offset_ < zeros) return false;
    const std::span<const std::byte> here = bytes_.at(at - zeros, zeros + sizeof(std::uint32_t));
    return here.size() >= zeros + sizeof(std::uint32_t) && load<std::uint64_t>(here.data()) == 0 &&
           load<std::uint64_t>(here.data() + sizeof(std::uint64_t)) == 0 &&
           load<std::uint32_t>(here.data() + zeros) != 0;
  }

  /// A block that was never finished and nothing, or only zeros, behind it.
  [[nodiscard]] bool is_torn_tail() {
    if (bytes_.size() - offset_ < smallest_block_bytes || is_all_from(bytes_, offset_)) return true;
    const std::span<const std::byte> head = bytes_.at(offset_, packet_head_bytes);
    if (head.size() < smallest_block_bytes) return false;  // it cannot be read
    const std::uint32_t type = order_.u32(head.data());
    const std::uint32_t total = order_.u32(head.data() + offsetof(BlockHead, total_length));
    if (!is_known_type(type) || total < smallest_block_bytes || total % 4 != 0 || total > longest_block_bytes)
      return false;
    if (type == block_type::enhanced_packet && head.size() >= packet_head_bytes) {
      const std::uint32_t captured = order_.u32(head.data() + offsetof(EnhancedPacketHead, captured_length));
      if (captured > total || total - captured < packet_head_bytes + block_trailer_bytes) return false;
    }
    const std::uint64_t end = offset_ + total;
    if (end == bytes_.size() && type == block_type::filler) return true;  // our mmap writer, killed between two stores
    return end > bytes_.size() || is_all_from(bytes_, end - block_trailer_bytes);
  }

  FileBytes& bytes_;
  ByteOrder order_;
  std::uint64_t offset_ = 0;
  std::uint64_t interfaces_ = 0;  // of the section
  Damage damage_;
};

}  // namespace

Damage find_pcapng_damage(FileBytes& bytes) {
  return PcapngWalk(bytes).run();
}

}  // namespace ringtail::pcapfile
