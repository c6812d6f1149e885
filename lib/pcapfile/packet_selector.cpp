#include "pcapfile/packet_selector.hpp"

#include <algorithm>
#include <utility>

#include "filter/compile.hpp"

namespace ringtail::pcapfile {

PacketSelector::PacketSelector(const OpenOptions& options) : filter_(options.filter), snaplen_(options.snaplen) {
  if (options.direction == Direction::in) direction_ = packet_flags::inbound;
  if (options.direction == Direction::out) direction_ = packet_flags::outbound;
}

Result<void> PacketSelector::add_interface(std::uint16_t link_type) {
  if (filter_.empty()) {
    program_of_.push_back(nullptr);
    return {};
  }
  auto entry = programs_.find(link_type);
  if (entry == programs_.end()) {
    auto program = filter::compile(filter_, link_type, filter::CompileFor::here);
    if (!program) return tl::unexpected(std::move(program.error()));
    entry = programs_.emplace(link_type, std::move(*program)).first;
  }
  program_of_.push_back(&entry->second);
  return {};
}

PacketSelector::Kept PacketSelector::keep_wanted(std::span<PacketDescriptor> packets,
                                                 const std::byte* memory_base) const noexcept {
  Kept kept;
  for (const PacketDescriptor& packet : packets) {
    if (direction_ != 0 && (packet.flags & packet_flags::direction_mask) != direction_) continue;
    const filter::Program* program = program_of_[packet.interface_id];
    if (program != nullptr &&
        !program->matches({memory_base + packet.offset, packet.captured_length}, packet.wire_length)) {
      continue;
    }
    PacketDescriptor& wanted = packets[kept.packets++];
    wanted = packet;
    wanted.captured_length = std::min(wanted.captured_length, snaplen_);
    kept.captured_bytes += wanted.captured_length;
  }
  return kept;
}

}  // namespace ringtail::pcapfile
