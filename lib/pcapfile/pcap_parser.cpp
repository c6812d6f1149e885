#include "pcapfile/pcap_parser.hpp"

#include <algorithm>

#include "pcapfile/pcap.hpp"

namespace ringtail::pcapfile {

namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;

bool is_magic(std::uint32_t number) {
  return number == pcap::magic::microseconds || number == pcap::magic::nanoseconds || number == pcap::magic::kuznetsov;
}

}  // namespace

bool PcapParser::recognises(const std::byte* first_four_bytes) noexcept {
  const auto magic = load<std::uint32_t>(first_four_bytes);
  return is_magic(magic) || is_magic(__builtin_bswap32(magic));
}

Progress PcapParser::read_file_head(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < sizeof(pcap::FileHead)) {
    return {.pause = Pause::more_bytes, .needed_bytes = sizeof(pcap::FileHead)};
  }
  order_ = ByteOrder(!is_magic(load<std::uint32_t>(bytes.data())));
  const std::uint32_t magic = order_.u32(bytes.data());
  if (order_.u16(bytes.data() + offsetof(pcap::FileHead, major_version)) != 2) {
    return {.pause = Pause::damage, .problem = "a version of classic pcap other than 2"};
  }
  fraction_ns_ = magic == pcap::magic::nanoseconds ? 1 : 1000;
  record_head_bytes_ =
      magic == pcap::magic::kuznetsov ? pcap::kuznetsov_record_head_bytes : std::uint32_t{sizeof(pcap::RecordHead)};
  interface_.snaplen = order_.u32(bytes.data() + offsetof(pcap::FileHead, snaplen));
  interface_.link_type = static_cast<std::uint16_t>(order_.u32(bytes.data() + offsetof(pcap::FileHead, link_type)));
  return {.pause = Pause::interface, .consumed_bytes = sizeof(pcap::FileHead)};
}

Progress PcapParser::parse(std::span<const std::byte> memory, std::size_t begin,
                           std::span<PacketDescriptor> out) noexcept {
  if (record_head_bytes_ == 0) return read_file_head(memory.subspan(begin));
  Progress progress;
  for (std::size_t at = begin;; progress.consumed_bytes = at - begin) {
    const std::size_t available = memory.size() - at;
    progress.pause = Pause::more_bytes;
    progress.needed_bytes = record_head_bytes_;
    if (available < record_head_bytes_) return progress;

    const std::byte* head = memory.data() + at;
    const std::uint32_t captured_length = order_.u32(head + offsetof(pcap::RecordHead, captured_length));
    progress.needed_bytes = std::size_t{record_head_bytes_} + captured_length;
    if (progress.needed_bytes > largest_record_bytes_) {
      progress.pause = Pause::damage;
      progress.problem = "a packet longer than any capture holds";
      return progress;
    }
    if (available < progress.needed_bytes) return progress;
    if (progress.packets == out.size()) {
      progress.pause = Pause::output_full;
      return progress;
    }

    PacketDescriptor& packet = out[progress.packets++];
    packet = {};
    packet.offset = at + record_head_bytes_;
    packet.timestamp_ns = order_.u32(head) * second_ns +
                          std::uint64_t{order_.u32(head + offsetof(pcap::RecordHead, fraction))} * fraction_ns_;
    packet.captured_length = captured_length;
    packet.wire_length = std::max(captured_length, order_.u32(head + offsetof(pcap::RecordHead, wire_length)));
    packet.interface_id = interface_id_;
    at += progress.needed_bytes;
  }
}

}  // namespace ringtail::pcapfile
