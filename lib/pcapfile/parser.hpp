// Reads capture files from memory, piece by piece: pcapng and classic pcap, either byte order.
//
//   for (;;) {
//     const Progress progress = parser.parse(memory, begin, descriptors);
//     begin += progress.consumed_bytes;                     // the packets found stay where they are in `memory`
//     if (progress.pause == Pause::interface) parser.accept_interface(my_id_for(parser.interface()));
//     if (progress.pause == Pause::more_bytes) ...          // move what is left to the front, read on
//   }
//
// Input is hostile: every length is checked once before it is used, nothing read decides how much is allocated (an
// interface costs a few dozen bytes, and there are at most `ring::InterfaceTable::capacity` of them in a section), and
// every step either consumes bytes or pauses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include <ringtail/interface.hpp>
#include <ringtail/packet.hpp>

#include "pcapfile/pcap_parser.hpp"
#include "pcapfile/pcapng_parser.hpp"
#include "pcapfile/progress.hpp"

namespace ringtail::pcapfile {

class Parser {
 public:
  /// No record longer than `largest_record_bytes` is read; whoever feeds the parser has room for one that long.
  explicit Parser(std::size_t largest_record_bytes) noexcept : largest_record_bytes_(largest_record_bytes) {}

  /// Parses `memory` from `begin` on. The descriptors' offsets count from memory.data(), their interface ids are those
  /// given to accept_interface(). With an empty `out` it goes on until just before the first packet.
  [[nodiscard]] Progress parse(std::span<const std::byte> memory, std::size_t begin, std::span<PacketDescriptor> out);

  /// After Pause::interface: what was found. Good until the next parse().
  [[nodiscard]] const Interface& interface() const noexcept;
  /// After Pause::interface: which of its section's interfaces it is, from 0.
  [[nodiscard]] std::uint32_t interface_index() const noexcept;
  /// After Pause::interface, before the next parse(): the id that packets of this interface get.
  void accept_interface(std::uint16_t interface_id);

  /// Bytes of the file consumed so far; where the damage is, after Pause::damage.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  /// False while a long block that nobody wants is being skipped: a file must not end here.
  [[nodiscard]] bool is_between_records() const noexcept;
  /// Records given up because what they say is impossible.
  [[nodiscard]] std::uint64_t malformed() const noexcept;

 private:
  [[nodiscard]] bool detect(const std::byte* first_four_bytes);

  std::variant<std::monostate, PcapngParser, PcapParser> format_;
  std::size_t largest_record_bytes_;
  std::uint64_t position_ = 0;
};

}  // namespace ringtail::pcapfile
