// Which packets of a file are wanted, and how much of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>
#include <ringtail/packet.hpp>

#include "filter/program.hpp"

namespace ringtail::pcapfile {

/// What the kernel does for a live capture: filter, direction, snaplen.
class PacketSelector {
 public:
  explicit PacketSelector(const OpenOptions& options);

  /// Interfaces come in the order of their ids, from 0. Compiles the filter for link types not seen before.
  [[nodiscard]] Result<void> add_interface(std::uint16_t link_type);

  struct Kept {
    std::uint32_t packets = 0;
    std::uint64_t captured_bytes = 0;
  };
  /// Moves the descriptors of wanted packets to the front, cut to the snaplen. Filters see the packet uncut.
  [[nodiscard]] Kept keep_wanted(std::span<PacketDescriptor> packets, const std::byte* memory_base) const noexcept;

 private:
  std::string filter_;
  std::uint32_t snaplen_;
  std::uint32_t direction_ = 0;                        // packet_flags; 0: any
  std::map<std::uint16_t, filter::Program> programs_;  // by link type; entries never move
  std::vector<const filter::Program*> program_of_;     // by interface id; null: everything
};

}  // namespace ringtail::pcapfile
