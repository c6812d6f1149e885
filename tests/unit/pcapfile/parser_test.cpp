// What our encoders write, our parser reads; and what no encoder of ours writes: other byte orders, resolutions,
// blocks.
#include "pcapfile/parser.hpp"

#include <gtest/gtest.h>

#include "pcapfile/timestamp_scale.hpp"
#include "unit/pcapfile/files.hpp"
#include "unit/pcapfile/foreign_file.hpp"
#include "unit/pcapfile/read_all.hpp"

namespace ringtail::pcapfile {
namespace {

using test::ForeignFile;
using test::Packets;
using test::read_all;
using test::ReadFile;

constexpr FileFormat formats[] = {FileFormat::pcapng, FileFormat::pcap, FileFormat::nsecpcap};

void expect_packets(const ReadFile& file, const Packets& packets, FileFormat format) {
  EXPECT_EQ(file.problem, "");
  EXPECT_EQ(file.malformed, 0U);
  ASSERT_EQ(file.packets.size(), packets.descriptors.size());
  for (std::size_t index = 0; index < file.packets.size(); ++index) {
    const PacketDescriptor& expected = packets.descriptors[index];
    const PacketDescriptor& packet = file.packets[index].descriptor;
    const auto bytes = packets.bytes(index);
    ASSERT_TRUE(
        std::equal(bytes.begin(), bytes.end(), file.packets[index].bytes.begin(), file.packets[index].bytes.end()));
    ASSERT_EQ(packet.wire_length, expected.wire_length);
    const std::uint64_t unit_ns = format == FileFormat::pcap ? 1000 : 1;
    ASSERT_EQ(packet.timestamp_ns, expected.timestamp_ns / unit_ns * unit_ns);
    if (format != FileFormat::pcapng) continue;
    ASSERT_EQ(packet.flags, expected.flags);
    ASSERT_EQ(packet.rx_hash, expected.rx_hash);
    ASSERT_EQ(packet.queue, expected.queue);
    ASSERT_EQ(packet.interface_id, expected.interface_id);
  }
}

TEST(Parser, ReadsWhatOurEncodersWriteInPiecesOfAnySize) {
  const Packets packets = test::assorted_packets();
  for (const FileFormat format : formats) {
    const auto file = test::make_file(format, packets);
    for (const std::size_t piece : {std::size_t{1} << 20, std::size_t{1000}, std::size_t{4096}}) {
      expect_packets(read_all(file, piece), packets, format);
    }
  }
  Packets few = test::assorted_packets();
  few.descriptors.resize(20);
  for (const FileFormat format : formats) expect_packets(read_all(test::make_file(format, few), 1), few, format);
}

TEST(Parser, ReadsTheInterfaces) {
  const auto pcapng = read_all(test::file_header(FileFormat::pcapng));
  ASSERT_EQ(pcapng.interfaces.size(), 2U);
  EXPECT_EQ(pcapng.interfaces[0].interface.name, "left");
  EXPECT_EQ(pcapng.interfaces[1].interface.name, "right");
  EXPECT_EQ(pcapng.interfaces[1].index_in_section, 1U);

  Interface whole;
  whole.name = "eth7";
  whole.description = "uplink";
  whole.filter = "tcp port 443";
  whole.hardware = "ixgbe";
  whole.speed_bps = 10'000'000'000;
  whole.link_type = link_type::raw_ip;
  whole.has_mac_address = true;
  whole.mac_address[5] = 0x42;
  auto bytes = test::file_header(FileFormat::pcapng);
  pcapng::append_interface_description(bytes, whole, 4096, "Linux");
  const Interface read = read_all(bytes).interfaces.at(2).interface;
  EXPECT_EQ(read.name, whole.name);
  EXPECT_EQ(read.description, whole.description);
  EXPECT_EQ(read.filter, whole.filter);
  EXPECT_EQ(read.hardware, whole.hardware);
  EXPECT_EQ(read.speed_bps, whole.speed_bps);
  EXPECT_EQ(read.link_type, whole.link_type);
  EXPECT_EQ(read.snaplen, 4096U);
  EXPECT_TRUE(read.has_mac_address);
  EXPECT_EQ(read.mac_address[5], 0x42);

  const auto pcap = read_all(test::file_header(FileFormat::pcap));
  ASSERT_EQ(pcap.interfaces.size(), 1U);
  EXPECT_EQ(pcap.interfaces[0].interface.link_type, link_type::ethernet);
  EXPECT_EQ(pcap.interfaces[0].interface.snaplen, 262'144U);
}

TEST(Parser, ReadsClassicPcapOfEveryMagicAndByteOrder) {
  for (const bool swapped : {false, true}) {
    for (const std::uint32_t magic : {pcap::magic::microseconds, pcap::magic::nanoseconds, pcap::magic::kuznetsov}) {
      ForeignFile file(swapped);
      file.u32(magic).u16(2).u16(4).u32(0).u32(0).u32(96).u32(0x10000000U | link_type::linux_sll);
      for (std::uint32_t packet = 0; packet < 3; ++packet) {
        file.u32(1'700'000'000).u32(123'456).u32(5).u32(1000);
        if (magic == pcap::magic::kuznetsov) file.u32(7).u16(8).u16(9);
        file.text("hello");
      }
      const ReadFile read = read_all(file.bytes());
      ASSERT_EQ(read.problem, "");
      ASSERT_EQ(read.packets.size(), 3U);
      EXPECT_EQ(read.interfaces[0].interface.link_type, link_type::linux_sll) << "without what is known about the FCS";
      for (const auto& packet : read.packets) {
        EXPECT_EQ(packet.descriptor.wire_length, 1000U);
        EXPECT_EQ(packet.descriptor.timestamp_ns,
                  1'700'000'000'000'000'000U + (magic == pcap::magic::nanoseconds ? 123'456U : 123'456'000U));
        EXPECT_EQ(packet.bytes, test::to_bytes("hello"));
      }
    }
  }
}

TEST(Parser, ReadsEveryKindOfPacketBlockInBothByteOrders) {
  for (const bool swapped : {false, true}) {
    ForeignFile file(swapped);
    file.section_header().interface_description(link_type::ethernet, 4);
    file.block(pcapng::block_type::enhanced_packet, [](ForeignFile& body) {
      body.u32(0).u32(1).u32(2).u32(5).u32(6).text("hello").pad().u16(pcapng::option_code::epb_flags).u16(4).u32(0x0a);
    });
    file.block(pcapng::block_type::obsolete_packet,
               [](ForeignFile& body) { body.u16(0).u16(77).u32(1).u32(3).u32(5).u32(6).text("world").pad(); });
    file.block(pcapng::block_type::simple_packet, [](ForeignFile& body) { body.u32(9).text("four"); });
    const ReadFile read = read_all(file.bytes());
    ASSERT_EQ(read.problem, "");
    ASSERT_EQ(read.packets.size(), 3U);
    EXPECT_EQ(read.packets[0].bytes, test::to_bytes("hello"));
    EXPECT_EQ(read.packets[0].descriptor.flags, packet_flags::outbound | packet_flags::multicast);
    EXPECT_EQ(read.packets[0].descriptor.timestamp_ns, ((std::uint64_t{1} << 32) + 2) * 1000);
    EXPECT_EQ(read.packets[1].bytes, test::to_bytes("world"));
    EXPECT_EQ(read.packets[1].descriptor.timestamp_ns, ((std::uint64_t{1} << 32) + 3) * 1000);
    EXPECT_EQ(read.packets[2].bytes, test::to_bytes("four"));
    EXPECT_EQ(read.packets[2].descriptor.wire_length, 9U);
  }
}

TEST(Parser, ASectionMayHaveTheOtherByteOrderAndOtherInterfaces) {
  ForeignFile file(false);
  file.section_header().interface_description(link_type::ethernet, 0).interface_description(link_type::raw_ip, 0);
  file.enhanced_packet(1, "one");
  ForeignFile other(true);
  other.section_header().interface_description(link_type::linux_sll, 0).enhanced_packet(0, "two");
  other.enhanced_packet(1, "of no interface in this section");
  file.append(other);
  const ReadFile read = read_all(file.bytes());
  EXPECT_EQ(read.problem, "");
  ASSERT_EQ(read.packets.size(), 2U);
  EXPECT_EQ(read.malformed, 1U);
  EXPECT_EQ(read.interfaces.at(read.packets[0].descriptor.interface_id).interface.link_type, link_type::raw_ip);
  EXPECT_EQ(read.interfaces.at(read.packets[1].descriptor.interface_id).interface.link_type, link_type::linux_sll);
}

TEST(Parser, SkipsBlocksItDoesNotKnowHoweverLong) {
  for (const std::size_t filler : {12U, 4096U, 5'000'000U}) {
    auto file = test::make_file(FileFormat::pcapng, test::assorted_packets());
    const std::size_t begin = file.size();
    file.resize(begin + filler);
    pcapng::store_filler(file.data() + begin, static_cast<std::uint32_t>(filler));
    const auto more = test::encode(FileFormat::pcapng, test::assorted_packets(), std::size_t{1} << 20);
    file.insert(file.end(), more.begin(), more.end());
    for (const std::size_t piece : {std::size_t{1} << 20, std::size_t{4099}}) {
      const ReadFile read = read_all(file, piece);
      EXPECT_EQ(read.problem, "");
      EXPECT_EQ(read.packets.size(), 2 * test::assorted_packets().descriptors.size());
    }
  }
}

TEST(Parser, ALongBlockThatIsSkippedMustEndAsItBegan) {
  auto file = test::file_header(FileFormat::pcapng);
  const std::size_t begin = file.size();
  file.resize(begin + 4096);
  pcapng::store_filler(file.data() + begin, 4096);
  file.back() ^= std::byte{1};
  EXPECT_NE(read_all(file, 100, 1024).problem, "");
  file.resize(file.size() - 2);
  EXPECT_EQ(read_all(file, 100, 1024).problem, "truncated");
}

TEST(Parser, AnInterfaceWithoutASnaplenLeavesSimplePacketsWhole) {
  ForeignFile file(false);
  file.section_header().interface_description(link_type::ethernet, 0);
  file.block(pcapng::block_type::simple_packet, [](ForeignFile& body) { body.u32(5).text("hello").pad(); });
  file.block(pcapng::block_type::simple_packet, [](ForeignFile& body) { body.u32(50).text("hello").pad(); });
  const ReadFile read = read_all(file.bytes());
  ASSERT_EQ(read.packets.size(), 1U);
  EXPECT_EQ(read.packets[0].bytes, test::to_bytes("hello"));
  EXPECT_EQ(read.malformed, 1U) << "the second one says it is longer than its block";
}

TEST(Parser, ImpossiblePacketsAreCountedAndTheRestIsRead) {
  ForeignFile file(false);
  file.section_header().interface_description(link_type::ethernet, 0);
  file.enhanced_packet(7, "no such interface").enhanced_packet(0, "good");
  file.block(pcapng::block_type::enhanced_packet,
             [](ForeignFile& body) { body.u32(0).u32(0).u32(0).u32(0xffffffff).u32(0xffffffff).text("long"); });
  file.block(pcapng::block_type::enhanced_packet, [](ForeignFile& body) { body.u32(0); });
  file.enhanced_packet(0, "good");
  const ReadFile read = read_all(file.bytes());
  EXPECT_EQ(read.problem, "");
  EXPECT_EQ(read.packets.size(), 2U);
  EXPECT_EQ(read.malformed, 3U);
}

TEST(Parser, AWireLengthBelowTheCapturedOneIsRaised) {
  Packets packets;
  packets.add(60, 0).wire_length = 10;
  for (const FileFormat format : formats) {
    EXPECT_EQ(read_all(test::make_file(format, packets)).packets.at(0).descriptor.wire_length, 60U);
  }
}

TEST(Parser, RefusesWhatIsNoCapture) {
  EXPECT_NE(read_all(test::to_bytes("GIF89a, or something like it")).problem, "");
  EXPECT_EQ(read_all(test::to_bytes("GI")).problem, "truncated");
  EXPECT_EQ(read_all({}).problem, "truncated");
  const std::vector<std::byte> zeros(100'000);
  EXPECT_NE(read_all(zeros).problem, "");
}

TEST(Parser, AZeroTailEndsAPcapngFileAndIsEmptyPacketsInAPcapFile) {
  Packets packets;
  packets.add(60, 5'000);
  for (const FileFormat format : formats) {
    auto file = test::make_file(format, packets);
    const std::size_t end = file.size();
    file.resize(end + 16'000);
    const ReadFile read = read_all(file);
    if (format == FileFormat::pcapng) {
      EXPECT_NE(read.problem, "");
      EXPECT_EQ(read.position, end);
      EXPECT_EQ(read.packets.size(), 1U);
    } else {
      EXPECT_EQ(read.packets.size(), 1001U);
    }
  }
}

TEST(Parser, AFileCutAnywhereGivesItsWholeRecordsAndSaysWhereItEnds) {
  Packets packets = test::assorted_packets();
  packets.descriptors.resize(12);
  for (const FileFormat format : formats) {
    const auto header = test::file_header(format);
    const auto file = test::make_file(format, packets);
    // Where each record ends, from encoding ever more of them.
    std::vector<std::size_t> ends = {header.size()};
    for (std::size_t count = 1; count <= packets.descriptors.size(); ++count) {
      Packets first = packets;
      first.descriptors.resize(count);
      ends.push_back(test::make_file(format, first).size());
    }
    for (std::size_t cut = 0; cut <= file.size(); ++cut) {
      const ReadFile read = read_all(std::span(file).first(cut), 64);
      const auto whole = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), cut) - ends.begin());
      ASSERT_EQ(read.packets.size(), whole == 0 ? 0 : whole - 1) << cut;
      if (whole == 0) continue;
      const bool is_clean = ends[whole - 1] == cut;
      ASSERT_EQ(read.problem, is_clean ? "" : "truncated") << cut;
      ASSERT_EQ(read.position, ends[whole - 1]) << cut;
    }
  }
}

TEST(Parser, AHostileLengthIsRefusedBeforeAnythingIsBuffered) {
  for (const std::uint32_t length : {0xffffffffU, 0x80000000U, 2'000'000U}) {
    ForeignFile pcap(false);
    pcap.u32(pcap::magic::microseconds).u16(2).u16(4).u32(0).u32(0).u32(0).u32(1).u32(0).u32(0).u32(length).u32(length);
    const ReadFile read = read_all(pcap.bytes());
    EXPECT_NE(read.problem, "truncated");
    EXPECT_EQ(read.position, sizeof(pcap::FileHead));

    ForeignFile pcapng(false);
    pcapng.section_header().u32(pcapng::block_type::enhanced_packet).u32(length & ~3U).u32(0);
    EXPECT_NE(read_all(pcapng.bytes()).problem, "truncated");
  }
}

TEST(Parser, InterfacesAreBounded) {
  ForeignFile file(false);
  file.section_header();
  for (int count = 0; count < 5000; ++count) file.interface_description(link_type::ethernet, 0);
  const ReadFile read = read_all(file.bytes());
  EXPECT_EQ(read.interfaces.size(), 1024U);
  EXPECT_NE(read.problem, "");
}

TEST(TimestampScale, ConvertsEveryResolution) {
  EXPECT_EQ(TimestampScale().to_ns(5), 5'000U);
  EXPECT_EQ(TimestampScale(9, 0).to_ns(0xffffffffffffffff), 0xffffffffffffffff);
  EXPECT_EQ(TimestampScale(0, 0).to_ns(1'700'000'000), 1'700'000'000'000'000'000U);
  EXPECT_EQ(TimestampScale(12, 0).to_ns(1'234'567), 1'234U);
  EXPECT_EQ(TimestampScale(28, 0).to_ns(0xffffffffffffffff), 1U);
  EXPECT_EQ(TimestampScale(29, 0).to_ns(0xffffffffffffffff), 0U);
  EXPECT_EQ(TimestampScale(127, 0).to_ns(0xffffffffffffffff), 0U);
  EXPECT_EQ(TimestampScale(0x80 | 10, 0).to_ns(1024 + 512), 1'500'000'000U);
  EXPECT_EQ(TimestampScale(0x80 | 32, 0).to_ns((std::uint64_t{1'700'000'000} << 32) | 0x80000000),
            1'700'000'000'500'000'000U);
  EXPECT_EQ(TimestampScale(0xff, 0).to_ns(0xffffffffffffffff), 0U);
}

TEST(TimestampScale, AddsTheOffsetAndStaysInRange) {
  EXPECT_EQ(TimestampScale(9, 10).to_ns(7), 10'000'000'007U);
  EXPECT_EQ(TimestampScale(6, -10).to_ns(11'000'000), 1'000'000'000U);
  EXPECT_EQ(TimestampScale(6, -10).to_ns(1), 0U) << "before 1970";
  EXPECT_EQ(TimestampScale(0, 0).to_ns(0xffffffffffffffff), 0xffffffffffffffff);
  EXPECT_EQ(TimestampScale(6, std::numeric_limits<std::int64_t>::max()).to_ns(1), 0xffffffffffffffff);
  EXPECT_EQ(TimestampScale(6, std::numeric_limits<std::int64_t>::min()).to_ns(1), 0U);
}

}  // namespace
}  // namespace ringtail::pcapfile
