// Reads a whole capture file through the parser, as a back end would, from pieces of a chosen size.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/contract.hpp"
#include "pcapfile/parser.hpp"

namespace ringtail::test {

struct ReadPacket {
  PacketDescriptor descriptor;
  std::vector<std::byte> bytes;
};

struct ReadFile {
  struct Found {
    Interface interface;
    std::uint32_t index_in_section;
  };
  std::vector<ReadPacket> packets;
  std::vector<Found> interfaces;  // in the order found; descriptors carry the index here
  std::uint64_t malformed = 0;
  std::uint64_t position = 0;  // where reading ended
  std::string problem;         // why it ended early: damage, or "truncated"; empty at a clean end
};

/// No more than `largest_record` bytes, and the rest of a piece, are held at a time.
inline ReadFile read_all(std::span<const std::byte> file, std::size_t piece_bytes = std::size_t{1} << 20,
                         std::size_t largest_record = std::size_t{1} << 20) {
  using pcapfile::Pause;
  ReadFile result;
  pcapfile::Parser parser(largest_record);
  std::vector<std::byte> held;
  std::array<PacketDescriptor, 16> descriptors;
  std::size_t steps = 0;
  for (std::size_t fed = 0;;) {
    base::require(++steps <= 2 * file.size() + 3, "every step consumes bytes or asks for more");
    const pcapfile::Progress progress = parser.parse(held, 0, descriptors);
    for (const PacketDescriptor& packet : std::span(descriptors).first(progress.packets)) {
      const auto bytes = std::span(held).first(progress.consumed_bytes).subspan(packet.offset, packet.captured_length);
      result.packets.push_back({packet, {bytes.begin(), bytes.end()}});
    }
    held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(progress.consumed_bytes));
    result.position = parser.position();
    result.malformed = parser.malformed();
    if (progress.pause == Pause::interface) {
      result.interfaces.push_back({parser.interface(), parser.interface_index()});
      parser.accept_interface(static_cast<std::uint16_t>(result.interfaces.size() - 1));
    } else if (progress.pause == Pause::damage) {
      result.problem = progress.problem;
      return result;
    } else if (progress.pause == Pause::more_bytes) {
      if (fed == file.size()) {
        if (!held.empty() || !parser.is_between_records() || file.empty()) result.problem = "truncated";
        return result;
      }
      const std::size_t wanted =
          std::max(piece_bytes, progress.needed_bytes - std::min(progress.needed_bytes, held.size()));
      const auto piece = file.subspan(fed, std::min(wanted, file.size() - fed));
      held.insert(held.end(), piece.begin(), piece.end());
      fed += piece.size();
    }
  }
}

}  // namespace ringtail::test
