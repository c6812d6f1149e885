#include "pcapfile/pcapng_parser.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "pcapfile/block_walk.hpp"
#include "pcapfile/pcapng.hpp"
#include "ring/interface_table.hpp"

namespace ringtail::pcapfile {

namespace {

using namespace pcapng;

constexpr std::size_t longest_text_bytes = 4096;  // per text of an interface; what is longer is cut

struct Option {
  std::uint16_t code = option_code::end_of_options;
  std::span<const std::byte> value;
};

// Takes the first option off `rest`. The end of the list, wherever it comes from, is the end-of-options code.
Option take_option(std::span<const std::byte>& rest, ByteOrder order) {
  if (rest.size() < sizeof(OptionHead)) return {};
  const std::uint16_t code = order.u16(rest.data());
  const std::uint32_t length = order.u16(rest.data() + offsetof(OptionHead, length));
  rest = rest.subspan(sizeof(OptionHead));
  if (code == option_code::end_of_options || length > rest.size()) return {};
  const Option option{code, rest.first(length)};
  rest = rest.subspan(std::min<std::size_t>(align_up_4(length), rest.size()));
  return option;
}

std::string text(std::span<const std::byte> value) {
  const auto* characters = reinterpret_cast<const char*>(value.data());
  std::string all(characters, std::min(value.size(), longest_text_bytes));
  return all.substr(0, all.find('\0'));  // section 3.5: a zero octet ends a string
}

std::uint64_t timestamp(const std::byte* high, ByteOrder order) {
  return std::uint64_t{order.u32(high)} << 32 | order.u32(high + 4);
}

// What cannot be skipped without losing packets, and so must fit.
bool is_wanted(std::uint32_t type) {
  return type == block_type::section_header || type == block_type::interface_description ||
         type == block_type::enhanced_packet || type == block_type::simple_packet ||
         type == block_type::obsolete_packet;
}

std::span<const std::byte> without_trailer(std::span<const std::byte> block, std::size_t head_bytes) {
  return block.subspan(head_bytes, block.size() - head_bytes - block_trailer_bytes);
}

}  // namespace

bool PcapngParser::recognises(const std::byte* first_four_bytes) noexcept {
  return load<std::uint32_t>(first_four_bytes) == block_type::section_header;
}

Progress PcapngParser::parse(std::span<const std::byte> memory, std::size_t begin,
                             std::span<PacketDescriptor> out) noexcept {
  Progress progress;
  const auto pause = [&](Pause why, std::size_t at) {
    progress.pause = why;
    progress.consumed_bytes = at - begin;
    progress.problem = problem_;
    return progress;
  };

  for (std::size_t at = begin;;) {
    const std::span<const std::byte> rest = memory.subspan(at);
    if (!is_between_records()) {
      at += skip(rest);
      if (problem_ != nullptr) return pause(Pause::damage, at);
      progress.needed_bytes = skip_left_ != 0 ? 1 : block_trailer_bytes;
      if (!is_between_records()) return pause(Pause::more_bytes, at);
      continue;
    }
    // Blocks that are too long are told from the others by their heads, so that it does not matter how much is here.
    const BlockLook block = look_at_block(rest.first(std::min(rest.size(), largest_block_bytes_)), order_);
    if (block.framing == Framing::broken) {
      problem_ = block.problem;
      return pause(Pause::damage, at);
    }
    if (block.framing == Framing::incomplete) {
      progress.needed_bytes = block.total_length;
      if (block.total_length <= largest_block_bytes_) return pause(Pause::more_bytes, at);
      if (is_wanted(block.type)) {
        problem_ = "a block longer than any packet";
        return pause(Pause::damage, at);
      }
      skipped_length_ = block.total_length;
      skip_left_ = block.total_length - block_trailer_bytes;
      continue;
    }

    switch (read_block(rest.first(block.total_length), block.type, at, out.subspan(progress.packets))) {
      case Outcome::done:
        break;
      case Outcome::packet:
        ++progress.packets;
        break;
      case Outcome::interface:
        return pause(Pause::interface, at + block.total_length);
      case Outcome::output_full:
        return pause(Pause::output_full, at);
      case Outcome::damage:
        return pause(Pause::damage, at);
    }
    at += block.total_length;
  }
}

PcapngParser::Outcome PcapngParser::read_block(std::span<const std::byte> block, std::uint32_t type, std::size_t offset,
                                               std::span<PacketDescriptor> room) noexcept {
  const bool is_packet =
      type == block_type::enhanced_packet || type == block_type::simple_packet || type == block_type::obsolete_packet;
  if (!is_packet) {
    if (type == block_type::section_header) return read_section_header(block);
    if (type == block_type::interface_description) return read_interface_description(block);
    return Outcome::done;
  }
  if (room.empty()) return Outcome::output_full;

  PacketDescriptor& packet = room.front();
  packet = {};
  packet.offset = offset;
  bool is_good = false;
  if (type == block_type::simple_packet) {
    is_good = read_simple_packet(block, packet);
  } else if (block.size() >= sizeof(EnhancedPacketHead) + block_trailer_bytes) {
    // The obsolete block differs in its interface id: 16 bits, followed by a 16-bit count of drops.
    const std::byte* interface_field = block.data() + offsetof(EnhancedPacketHead, interface_id);
    is_good = read_packet(
        block, type == block_type::enhanced_packet ? order_.u32(interface_field) : order_.u16(interface_field), packet);
  }
  if (!is_good) ++malformed_;
  return is_good ? Outcome::packet : Outcome::done;
}

PcapngParser::Outcome PcapngParser::read_section_header(std::span<const std::byte> block) noexcept {
  const std::uint16_t major = order_.u16(block.data() + offsetof(SectionHead, major_version));
  const std::uint16_t minor = order_.u16(block.data() + offsetof(SectionHead, minor_version));
  // Section 4.1: some writers said 1.2 and meant 1.0.
  if (major != 1 || (minor != 0 && minor != 2)) {
    problem_ = "a version of pcapng other than 1.0";
    return Outcome::damage;
  }
  interfaces_.clear();
  return Outcome::done;
}

PcapngParser::Outcome PcapngParser::read_interface_description(std::span<const std::byte> block) {
  if (block.size() < sizeof(InterfaceHead) + block_trailer_bytes) {
    problem_ = "an interface description that is too short";
    return Outcome::damage;
  }
  if (interfaces_.size() == ring::InterfaceTable::capacity) {
    problem_ = "more interfaces than a source can have";
    return Outcome::damage;
  }
  Interface interface;
  interface.link_type = order_.u16(block.data() + offsetof(InterfaceHead, link_type));
  interface.snaplen = order_.u32(block.data() + offsetof(InterfaceHead, snaplen));
  std::uint8_t resolution = TimestampScale::default_resolution;
  std::int64_t offset_seconds = 0;

  auto rest = without_trailer(block, sizeof(InterfaceHead));
  for (Option option = take_option(rest, order_); option.code != option_code::end_of_options;
       option = take_option(rest, order_)) {
    const std::span<const std::byte> value = option.value;
    if (option.code == option_code::if_name) interface.name = text(value);
    if (option.code == option_code::if_description) interface.description = text(value);
    if (option.code == option_code::if_hardware) interface.hardware = text(value);
    if (option.code == option_code::if_filter && !value.empty() && value[0] == std::byte{0}) {
      interface.filter = text(value.subspan(1));
    }
    if (option.code == option_code::if_macaddr && value.size() == sizeof interface.mac_address) {
      std::memcpy(interface.mac_address, value.data(), value.size());
      interface.has_mac_address = true;
    }
    if (option.code == option_code::if_speed && value.size() == 8) interface.speed_bps = order_.u64(value.data());
    if (option.code == option_code::if_tsresol && value.size() == 1) resolution = load<std::uint8_t>(value.data());
    if (option.code == option_code::if_tsoffset && value.size() == 8) {
      offset_seconds = static_cast<std::int64_t>(order_.u64(value.data()));
    }
  }
  found_ = {std::move(interface), TimestampScale(resolution, offset_seconds)};
  return Outcome::interface;
}

void PcapngParser::accept_interface(std::uint16_t interface_id) {
  interfaces_.push_back({.scale = found_.scale, .snaplen = found_.interface.snaplen, .id = interface_id});
}

bool PcapngParser::read_packet(std::span<const std::byte> block, std::uint32_t interface_index,
                               PacketDescriptor& packet) const noexcept {
  const auto data_and_options = without_trailer(block, sizeof(EnhancedPacketHead));
  const std::uint32_t captured_length = order_.u32(block.data() + offsetof(EnhancedPacketHead, captured_length));
  if (interface_index >= interfaces_.size() || captured_length > data_and_options.size()) return false;

  const SectionInterface& interface = interfaces_[interface_index];
  packet.offset += sizeof(EnhancedPacketHead);
  packet.timestamp_ns =
      interface.scale.to_ns(timestamp(block.data() + offsetof(EnhancedPacketHead, timestamp_high), order_));
  packet.captured_length = captured_length;
  packet.wire_length = std::max(captured_length, order_.u32(block.data() + offsetof(EnhancedPacketHead, wire_length)));
  packet.interface_id = interface.id;
  // A block is a multiple of 4, so the padded data fits where the data does.
  read_packet_options(data_and_options.subspan(align_up_4(captured_length)), packet);
  return true;
}

void PcapngParser::read_packet_options(std::span<const std::byte> options, PacketDescriptor& packet) const noexcept {
  for (Option option = take_option(options, order_); option.code != option_code::end_of_options;
       option = take_option(options, order_)) {
    const std::span<const std::byte> value = option.value;
    if (option.code == option_code::epb_flags && value.size() == 4) {
      packet.flags |= order_.u32(value.data()) & packet_flags::pcapng_mask;
    } else if (option.code == option_code::epb_hash && value.size() == 5 && value[0] == hash_is_toeplitz) {
      packet.flags |= packet_flags::rx_hash_valid;
      packet.rx_hash = order_.u32(value.data() + 1);
    } else if (option.code == option_code::epb_queue && value.size() == 4) {
      packet.queue = static_cast<std::uint16_t>(order_.u32(value.data()));
    }
  }
}

// Section 4.4: no interface id and no time; the length captured follows from the first interface's snaplen.
bool PcapngParser::read_simple_packet(std::span<const std::byte> block, PacketDescriptor& packet) const noexcept {
  if (interfaces_.empty() || block.size() < sizeof(SimplePacketHead) + block_trailer_bytes) return false;
  const std::uint32_t snaplen = interfaces_.front().snaplen;
  packet.wire_length = order_.u32(block.data() + offsetof(SimplePacketHead, wire_length));
  packet.captured_length = snaplen == 0 ? packet.wire_length : std::min(packet.wire_length, snaplen);
  packet.offset += sizeof(SimplePacketHead);
  packet.interface_id = interfaces_.front().id;
  return packet.captured_length <= without_trailer(block, sizeof(SimplePacketHead)).size();
}

std::size_t PcapngParser::skip(std::span<const std::byte> bytes) noexcept {
  const auto skipped = static_cast<std::uint32_t>(std::min<std::size_t>(skip_left_, bytes.size()));
  skip_left_ -= skipped;
  if (skip_left_ != 0 || bytes.size() - skipped < block_trailer_bytes) return skipped;
  if (!trailer_agrees(bytes.data() + skipped, skipped_length_, order_)) problem_ = "a block whose two lengths differ";
  skipped_length_ = 0;
  return skipped + block_trailer_bytes;
}

}  // namespace ringtail::pcapfile
