// A filter for the packets of interfaces of several kinds: a program for each link type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ringtail/error.hpp>

#include "filter/program.hpp"

namespace ringtail::share {

// What one packet may cost the publisher's thread. `udp port 53` takes 24 instructions, a list of 20 hosts about 100.
inline constexpr std::size_t most_filter_instructions = 512;
inline constexpr std::size_t most_filter_programs = 4;

/// Packets of a link type that it has no program for do not match. Without any program everything matches.
class PacketFilter {
 public:
  PacketFilter() = default;

  [[nodiscard]] bool accepts_all() const noexcept { return programs_.empty(); }
  [[nodiscard]] bool matches(std::span<const std::byte> bytes, std::uint32_t wire_length,
                             std::uint16_t link_type) const noexcept {
    if (programs_.empty()) return true;
    for (const auto& [type, program] : programs_) {
      if (type == link_type) return program.matches(bytes, wire_length);
    }
    return false;
  }

  void add(std::uint16_t link_type, filter::Program program) { programs_.emplace_back(link_type, std::move(program)); }
  [[nodiscard]] const std::vector<std::pair<std::uint16_t, filter::Program>>& programs() const noexcept {
    return programs_;
  }

  /// Instruction by instruction.
  [[nodiscard]] bool operator==(const PacketFilter& other) const noexcept;

 private:
  std::vector<std::pair<std::uint16_t, filter::Program>> programs_;
};

/// Client: compiles `text` for packets of these link types, none meaning Ethernet. Where it makes sense for some of
/// them only, packets of the others do not match.
[[nodiscard]] Result<PacketFilter> compile_filter(const std::string& text, std::span<const std::uint16_t> link_types);

}  // namespace ringtail::share
