// A packet's record in each format, tightly packed: how long it is, and how it is stored.
//
//      head                          packet bytes        end
//      pcapng  EnhancedPacketHead    captured_length     pad, options, total length
//      pcap    RecordHead            captured_length     nothing
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <ringtail/packet.hpp>

#include "pcapfile/encoder.hpp"
#include "pcapfile/pcap.hpp"
#include "pcapfile/pcapng.hpp"

namespace ringtail::pcapfile {

struct PcapngFormat {
  static constexpr std::uint32_t head_bytes = sizeof(pcapng::EnhancedPacketHead);
  static constexpr std::uint32_t longest_options = pcapng::flags_option_bytes + pcapng::hash_option_bytes +
                                                   pcapng::queue_option_bytes + pcapng::end_of_options_bytes;
  static constexpr std::uint32_t longest_end = 3 + longest_options + pcapng::block_trailer_bytes;

  static bool has_flags(const PacketDescriptor& packet) noexcept {
    return (packet.flags & packet_flags::pcapng_mask) != 0;
  }
  static bool has_hash(const PacketDescriptor& packet) noexcept {
    return (packet.flags & packet_flags::rx_hash_valid) != 0;
  }
  // Sources without queues say 0, so 0 goes without saying.
  static bool has_queue(const PacketDescriptor& packet) noexcept { return packet.queue != 0; }

  // A source fills in the same fields for every packet, so these conditions are predicted.
  static std::uint32_t options_length(const PacketDescriptor& packet) noexcept {
    const std::uint32_t options = (has_flags(packet) ? pcapng::flags_option_bytes : 0) +
                                  (has_hash(packet) ? pcapng::hash_option_bytes : 0) +
                                  (has_queue(packet) ? pcapng::queue_option_bytes : 0);
    return options == 0 ? 0 : options + pcapng::end_of_options_bytes;
  }

  static constexpr std::uint32_t plain_length(std::uint32_t captured_length) noexcept {
    return head_bytes + align_up_4(captured_length) + pcapng::block_trailer_bytes;
  }
  static std::uint32_t record_length(const PacketDescriptor& packet) noexcept {
    return plain_length(packet.captured_length) + options_length(packet);
  }
  static std::size_t longest_record(std::uint32_t captured_length) noexcept {
    return plain_length(captured_length) + longest_options;
  }

  static void store_record(std::byte* at, const PacketDescriptor& packet, const std::byte* data,
                           InterfaceMap interfaces) noexcept {
    const std::uint32_t length = record_length(packet);
    at = pcapng::store_packet_head(at, packet, interfaces[packet.interface_id], length);
    // The padding: four zeros where the last, incomplete word of the data will stand. There is room, if only for the
    // trailer, which is stored later.
    store(at + (packet.captured_length & ~3U), std::uint32_t{0});
    std::memcpy(at, data, packet.captured_length);
    store_end(at + align_up_4(packet.captured_length), packet, length);
  }

  /// The same, around data that stays where it is: head_bytes in front and longest_end behind it are ours.
  static void store_around(std::byte* data, const PacketDescriptor& packet, InterfaceMap interfaces) noexcept {
    const std::uint32_t length = record_length(packet);
    pcapng::store_packet_head(data - head_bytes, packet, interfaces[packet.interface_id], length);
    store(data + packet.captured_length, std::uint32_t{0});  // the padding, and more that is stored next
    store_end(data + align_up_4(packet.captured_length), packet, length);
  }

 private:
  static void store_end(std::byte* at, const PacketDescriptor& packet, std::uint32_t length) noexcept {
    if (has_flags(packet)) at = pcapng::store_flags_option(at, packet.flags);
    if (has_hash(packet)) at = pcapng::store_hash_option(at, packet.rx_hash);
    if (has_queue(packet)) at = pcapng::store_queue_option(at, packet.queue);
    if (options_length(packet) != 0) at = pcapng::store_end_of_options(at);
    store(at, length);
  }
};

template <pcap::Precision precision>
struct PcapFormat {
  static constexpr std::uint32_t head_bytes = sizeof(pcap::RecordHead);
  static constexpr std::uint32_t longest_end = 0;

  static std::size_t longest_record(std::uint32_t captured_length) noexcept { return head_bytes + captured_length; }
  static std::size_t record_length(const PacketDescriptor& packet) noexcept {
    return longest_record(packet.captured_length);
  }
  static void store_record(std::byte* at, const PacketDescriptor& packet, const std::byte* data,
                           InterfaceMap /*interfaces*/) noexcept {
    // The head last: in a mapped file a record is there the moment its head is, even if a signal ends us right then.
    std::memcpy(at + head_bytes, data, packet.captured_length);
    std::atomic_signal_fence(std::memory_order_release);
    store(at, pcap::make_record_head<precision>(packet));
  }
  static void store_around(std::byte* data, const PacketDescriptor& packet, InterfaceMap /*interfaces*/) noexcept {
    store(data - head_bytes, pcap::make_record_head<precision>(packet));
  }
};

}  // namespace ringtail::pcapfile
