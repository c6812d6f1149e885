// Any bytes as a capture file: the parser ends, stays inside them, finds the same whatever pieces they come in, and
// what it found survives being written and read again.
#include <algorithm>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include <ringtail/source.hpp>

#include "base/contract.hpp"
#include "base/file_descriptor.hpp"
#include "fuzz/fuzzer.hpp"
#include "pcapfile/file_backend.hpp"
#include "unit/pcapfile/files.hpp"
#include "unit/pcapfile/foreign_file.hpp"
#include "unit/pcapfile/read_all.hpp"

namespace {

using namespace ringtail;
using base::require;

// Small, so that the skipping of long blocks is reached with small inputs.
constexpr std::size_t largest_record = 2048;

bool same_packets(const test::ReadFile& left, const test::ReadFile& right) {
  return std::equal(left.packets.begin(), left.packets.end(), right.packets.begin(), right.packets.end(),
                    [](const test::ReadPacket& one, const test::ReadPacket& other) {
                      return one.bytes == other.bytes && one.descriptor.timestamp_ns == other.descriptor.timestamp_ns &&
                             one.descriptor.wire_length == other.descriptor.wire_length &&
                             one.descriptor.flags == other.descriptor.flags &&
                             one.descriptor.interface_id == other.descriptor.interface_id;
                    });
}

void check_round_trip(const test::ReadFile& file) {
  test::Packets packets;
  packets.memory.reserve(1);  // a memory base is never null, not even where all packets are empty
  for (const auto& [descriptor, bytes] : file.packets) {
    PacketDescriptor moved = descriptor;
    moved.offset = packets.memory.size();
    packets.memory.insert(packets.memory.end(), bytes.begin(), bytes.end());
    packets.descriptors.push_back(moved);
  }
  std::vector<std::byte> written;
  pcapfile::pcapng::append_section_header(written, {});
  std::vector<std::uint32_t> ids;
  for (const auto& found : file.interfaces) {
    ids.push_back(static_cast<std::uint32_t>(ids.size()));
    pcapfile::pcapng::append_interface_description(written, found.interface, 0, {});
  }
  const auto encoder = pcapfile::make_window_encoder(FileFormat::pcapng);
  std::size_t room = 0;
  for (const PacketDescriptor& packet : packets.descriptors) room += encoder->record_bytes(packet.captured_length);
  std::vector<std::byte> records(room);
  const auto encoded = encoder->encode(packets.descriptors, packets.memory.data(), ids, records);
  require(encoded.packets == packets.descriptors.size(), "record_bytes() is enough for every packet");
  written.insert(written.end(), records.begin(), records.begin() + static_cast<std::ptrdiff_t>(encoded.bytes));

  // A section holds 1,024 interfaces, which several sections together may exceed.
  if (file.interfaces.size() > 1024) return;
  const test::ReadFile again = test::read_all(written);
  require(again.problem.empty() && again.malformed == 0, "what we write is whole");
  require(same_packets(file, again), "what was read survives being written");
}

// The same bytes as a file that a source reads.
void check_source(std::span<const std::byte> bytes) {
  const base::FileDescriptor file(::memfd_create("input", MFD_CLOEXEC));
  require(::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "a memfd takes bytes");
  const test::ReadFile expected = test::read_all(bytes);
  auto backend = pcapfile::open_file("/dev/fd/" + std::to_string(file.get()), {.buffer_bytes = 1, .batch_packets = 3});
  if (!backend) {
    require(expected.packets.empty() && !expected.problem.empty(), "only a file without packets cannot be opened");
    return;
  }
  Source source(std::move(*backend));
  std::size_t index = 0;
  Received received;
  while ((received = source.receive(std::chrono::nanoseconds(0))).status == ReceiveStatus::packets) {
    for (const PacketView packet : received.batch) {
      require(index < expected.packets.size(), "a source invents nothing");
      const test::ReadPacket& wanted = expected.packets[index++];
      const std::size_t length = std::min<std::size_t>(wanted.bytes.size(), OpenOptions{}.snaplen);
      require(packet.captured_length() == length && packet.timestamp_ns() == wanted.descriptor.timestamp_ns &&
                  std::equal(packet.bytes().begin(), packet.bytes().end(), wanted.bytes.begin()),
              "a source delivers what is there");
    }
  }
  require(received.status == ReceiveStatus::end_of_stream, "a file ends");
  require(index == expected.packets.size(), "a source keeps nothing back");
  require((source.failure() == nullptr) == expected.problem.empty(), "a source says why it broke off");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  const test::ReadFile whole = test::read_all(file, size + 1, largest_record);
  require(whole.position <= size, "no more is consumed than there is");
  for (const std::size_t piece : {std::size_t{1}, std::size_t{37}}) {
    const test::ReadFile pieces = test::read_all(file, piece, largest_record);
    require(pieces.position == whole.position && pieces.malformed == whole.malformed &&
                pieces.problem == whole.problem && same_packets(whole, pieces),
            "the same is found in pieces");
  }
  check_round_trip(whole);
  check_source(file);
  return 0;
}

std::vector<test::FuzzInput> test::fuzz_seeds() {
  std::vector<FuzzInput> seeds;
  const auto add = [&](const std::vector<std::byte>& bytes) {
    FuzzInput& seed = seeds.emplace_back(bytes.size());
    std::memcpy(seed.data(), bytes.data(), bytes.size());
  };
  Packets packets = assorted_packets();
  packets.descriptors.resize(12);
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::pcap, FileFormat::nsecpcap}) {
    add(make_file(format, packets));
  }
  for (const bool swapped : {false, true}) {
    ForeignFile foreign(swapped);
    foreign.section_header().interface_description(link_type::ethernet, 40).enhanced_packet(0, "hello");
    foreign.block(pcapfile::pcapng::block_type::obsolete_packet,
                  [](ForeignFile& body) { body.u16(0).u16(1).u32(1).u32(3).u32(5).u32(6).text("world").pad(); });
    foreign.block(pcapfile::pcapng::block_type::simple_packet, [](ForeignFile& body) { body.u32(4).text("four"); });
    foreign.block(pcapfile::pcapng::block_type::filler, [](ForeignFile& body) { body.text(std::string(4000, 'x')); });
    foreign.section_header().interface_description(link_type::raw_ip, 0).enhanced_packet(0, "again");
    add(foreign.bytes());
    ForeignFile pcap(swapped);
    pcap.u32(pcapfile::pcap::magic::kuznetsov).u16(2).u16(4).u32(0).u32(0).u32(96).u32(1);
    pcap.u32(7).u32(8).u32(5).u32(9).u32(0).u32(0).text("hello");
    add(pcap.bytes());
  }
  std::vector<std::byte> described = file_header(FileFormat::pcapng);
  Interface interface;
  interface.name = interface.description = interface.hardware = interface.filter = "everything said";
  interface.speed_bps = 1;
  interface.has_mac_address = true;
  pcapfile::pcapng::append_interface_description(described, interface, 0, "os");
  pcapfile::pcapng::append_interface_statistics(described, 0, {});
  add(described);
  return seeds;
}
