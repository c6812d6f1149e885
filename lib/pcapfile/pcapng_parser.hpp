// pcapng, block by block. Used through Parser, whose header says how.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <ringtail/interface.hpp>
#include <ringtail/packet.hpp>

#include "pcapfile/bytes.hpp"
#include "pcapfile/progress.hpp"
#include "pcapfile/timestamp_scale.hpp"

namespace ringtail::pcapfile {

/// Packets come from Enhanced, Simple and the obsolete Packet Blocks; what is not known is skipped, however long.
class PcapngParser {
 public:
  explicit PcapngParser(std::size_t largest_block_bytes) noexcept : largest_block_bytes_(largest_block_bytes) {}

  /// True when a file that begins with these four bytes is ours.
  [[nodiscard]] static bool recognises(const std::byte* first_four_bytes) noexcept;

  [[nodiscard]] Progress parse(std::span<const std::byte> memory, std::size_t begin,
                               std::span<PacketDescriptor> out) noexcept;
  [[nodiscard]] const Interface& interface() const noexcept { return found_.interface; }
  [[nodiscard]] std::uint32_t interface_index() const noexcept {
    return static_cast<std::uint32_t>(interfaces_.size());
  }
  void accept_interface(std::uint16_t interface_id);
  [[nodiscard]] bool is_between_records() const noexcept { return skipped_length_ == 0; }
  [[nodiscard]] std::uint64_t malformed() const noexcept { return malformed_; }

 private:
  // One interface of the current section, as packets need it.
  struct SectionInterface {
    TimestampScale scale;
    std::uint32_t snaplen = 0;
    std::uint16_t id = 0;  // the caller's
  };
  // An interface description that the caller has not given an id yet.
  struct FoundInterface {
    Interface interface;
    TimestampScale scale;
  };
  enum class Outcome : std::uint8_t { done, packet, output_full, interface, damage };

  Outcome read_block(std::span<const std::byte> block, std::uint32_t type, std::size_t offset,
                     std::span<PacketDescriptor> room) noexcept;
  Outcome read_section_header(std::span<const std::byte> block) noexcept;
  Outcome read_interface_description(std::span<const std::byte> block);
  [[nodiscard]] bool read_packet(std::span<const std::byte> block, std::uint32_t interface_index,
                                 PacketDescriptor& packet) const noexcept;
  [[nodiscard]] bool read_simple_packet(std::span<const std::byte> block, PacketDescriptor& packet) const noexcept;
  void read_packet_options(std::span<const std::byte> options, PacketDescriptor& packet) const noexcept;

  [[nodiscard]] std::size_t skip(std::span<const std::byte> bytes) noexcept;

  std::size_t largest_block_bytes_;
  ByteOrder order_;
  std::vector<SectionInterface> interfaces_;
  FoundInterface found_;
  std::uint64_t malformed_ = 0;
  const char* problem_ = nullptr;
  // A block too long to hold that is being skipped: its length (0: none) and what is left of it before the trailer.
  std::uint32_t skipped_length_ = 0;
  std::uint32_t skip_left_ = 0;
};

}  // namespace ringtail::pcapfile
