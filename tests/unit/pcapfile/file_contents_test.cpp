// What a file delivers, and what is asked of it: filter, snaplen, direction, sections, damage.
#include <gmock/gmock.h>

#include "unit/pcapfile/file_source.hpp"
#include "unit/pcapfile/files.hpp"
#include "unit/pcapfile/foreign_file.hpp"

namespace ringtail::pcapfile {
namespace {

using namespace std::chrono_literals;
using test::count_packets;
using test::error_of;
using test::expect_books_balance;
using test::expect_packet;
using test::open_source;
using test::Packets;
using test::TemporaryFile;
using testing::HasSubstr;

TEST(FileSource, CutsToTheSnaplen) {
  const TemporaryFile file(test::make_file(FileFormat::pcapng, test::assorted_packets()));
  Source source = open_source(file, {.snaplen = 50});
  EXPECT_EQ(source.interface(0).snaplen, 50U);
  const Received received = source.receive(0ns);
  for (const PacketView packet : received.batch) {
    EXPECT_LE(packet.captured_length(), 50U);
    EXPECT_GE(packet.wire_length(), packet.captured_length());
  }
  EXPECT_EQ(source.stats().truncated, 0U);
}

TEST(FileSource, KeepsOneDirectionWhenAsked) {
  const TemporaryFile file(test::make_file(FileFormat::pcapng, test::assorted_packets()));
  for (const auto& [direction, flag] :
       {std::pair{Direction::in, packet_flags::inbound}, {Direction::out, packet_flags::outbound}}) {
    Source source = open_source(file, {.direction = direction});
    const Received received = source.receive(0ns);
    ASSERT_EQ(received.status, ReceiveStatus::packets);
    for (const PacketView packet : received.batch) EXPECT_EQ(packet.flags() & packet_flags::direction_mask, flag);
  }
}

// An Ethernet frame with an IPv4 header of the given protocol behind `link_header` bytes, as tcpdump filters see it.
void add_ip(Packets& packets, std::size_t link_header_bytes, unsigned protocol) {
  const PacketDescriptor packet = packets.add(80, 0);
  const auto bytes = std::span(packets.memory).subspan(packet.offset, packet.captured_length);
  std::fill(bytes.begin(), bytes.end(), std::byte{0});
  if (link_header_bytes != 0) bytes[12] = std::byte{0x08};
  bytes[link_header_bytes] = std::byte{0x45};
  bytes[link_header_bytes + 9] = static_cast<std::byte>(protocol);
}

TEST(FileSource, FiltersByLinkType) {
  Packets packets;
  for (const unsigned protocol : {6U, 17U, 6U}) {
    add_ip(packets, 14, protocol);
    packets.descriptors.back().interface_id = 0;
    add_ip(packets, 0, protocol);
    packets.descriptors.back().interface_id = 1;
  }
  Interface interface;
  std::vector<std::byte> bytes;
  pcapng::append_section_header(bytes, {});
  for (const std::uint16_t type : {link_type::ethernet, link_type::raw_ip}) {
    interface.link_type = type;
    pcapng::append_interface_description(bytes, interface, 0, {});
  }
  const auto records = test::encode(FileFormat::pcapng, packets, 4096);
  bytes.insert(bytes.end(), records.begin(), records.end());
  const TemporaryFile file(bytes);

  Source source = open_source(file, {.filter = "udp"});
  EXPECT_EQ(source.interface(0).filter, "udp");
  const Received received = source.receive(0ns);
  ASSERT_EQ(received.batch.size(), 2U);
  EXPECT_EQ(received.batch[0].interface_id(), 0U);
  EXPECT_EQ(received.batch[1].interface_id(), 1U);
  EXPECT_EQ(source.receive(0ns).status, ReceiveStatus::end_of_stream);
  EXPECT_EQ(source.stats().received, 2U) << "as with the kernel, what the filter refuses was never received";

  EXPECT_THAT(error_of(file.path(), {.filter = "udp prot 5"}), HasSubstr("udp prot 5"));
  Source none = open_source(file, {.filter = "icmp"});
  EXPECT_EQ(none.receive(0ns).status, ReceiveStatus::end_of_stream);
}

TEST(FileSource, FramesOfAnySizeUpToABufferFit) {
  Packets packets;
  for (const std::uint32_t length : {60U, 262'144U, 499'894U, 1'000'000U, 60U}) packets.add(length, length);
  const TemporaryFile file(test::make_file(FileFormat::pcapng, packets));
  Source source = open_source(file, {.snaplen = 1'000'000, .buffer_bytes = 1});
  std::size_t index = 0;
  for (Received received; (received = source.receive(0ns)).status == ReceiveStatus::packets;) {
    for (const PacketView packet : received.batch) expect_packet(packet, packets, index++);
  }
  EXPECT_EQ(index, packets.descriptors.size());
  EXPECT_EQ(source.failure(), nullptr);
}

// A long record that did not fit into one read must not make the short ones behind it look incomplete.
TEST(FileSource, ShortPacketsBehindLongOnesAreAllDelivered) {
  Packets packets;
  for (int count = 0; count < 20; ++count) packets.add(50'000, 0);
  for (int count = 0; count < 5; ++count) packets.add(60, 0);
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::pcap}) {
    const TemporaryFile file(test::make_file(format, packets));
    Source source = open_source(file, {.batch_packets = 1});
    EXPECT_EQ(count_packets(source), packets.descriptors.size());
    EXPECT_EQ(source.failure(), nullptr);
  }
}

TEST(FileSource, ATornFileGivesItsWholeRecordsThenSaysWhereItEnds) {
  const Packets packets = test::assorted_packets();
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::nsecpcap}) {
    auto bytes = test::make_file(format, packets);
    bytes.resize(bytes.size() - 5);
    const TemporaryFile file(bytes);
    Source source = open_source(file);
    EXPECT_EQ(count_packets(source), packets.descriptors.size() - 1);
    ASSERT_NE(source.failure(), nullptr);
    EXPECT_THAT(source.failure()->message(), HasSubstr(file.path()));
    EXPECT_THAT(source.failure()->message(), HasSubstr("in the middle of a record"));
    expect_books_balance(source);
  }
}

TEST(FileSource, DamageIsReportedBehindTheLastGoodPacket) {
  auto bytes = test::make_file(FileFormat::pcapng, test::assorted_packets());
  const std::size_t good = bytes.size();
  bytes.resize(good + 1000, std::byte{0xee});
  const TemporaryFile file(bytes);
  Source source = open_source(file);
  EXPECT_EQ(count_packets(source), test::assorted_packets().descriptors.size());
  ASSERT_NE(source.failure(), nullptr);
  EXPECT_THAT(source.failure()->message(), HasSubstr("at byte " + std::to_string(good)));
}

TEST(FileSource, SectionsShareTheInterfacesThatTheyDescribeAlike) {
  test::ForeignFile bytes(false);
  bytes.section_header().interface_description(link_type::ethernet, 0).interface_description(link_type::ethernet, 0);
  bytes.enhanced_packet(0, "a").enhanced_packet(1, "b");
  bytes.section_header().interface_description(link_type::ethernet, 0).interface_description(link_type::raw_ip, 0);
  bytes.enhanced_packet(0, "c").enhanced_packet(1, "d");
  const TemporaryFile file(bytes.bytes());
  Source source = open_source(file);
  EXPECT_EQ(source.interface_count(), 2U);
  std::vector<std::uint16_t> ids;
  for (Received received; (received = source.receive(0ns)).status == ReceiveStatus::packets;) {
    for (const PacketView packet : received.batch) ids.push_back(packet.interface_id());
  }
  EXPECT_THAT(ids, testing::ElementsAre(0, 1, 0, 2));
  EXPECT_EQ(source.interface(2).link_type, link_type::raw_ip);
}

TEST(FileSource, AnInterfaceWithAnotherLinkTypeThanAskedForEndsTheStream) {
  const TemporaryFile file(test::file_header(FileFormat::pcapng));
  EXPECT_EQ(error_of(file.path(), {.link_type = link_type::ethernet}), "");
  EXPECT_THAT(error_of(file.path(), {.link_type = link_type::raw_ip}), HasSubstr("link type"));
}

TEST(FileSource, SaysWhatItCannotOpen) {
  EXPECT_THAT(error_of("/nonexistent/file"), HasSubstr("No such file"));
  EXPECT_THAT(error_of("/"), HasSubstr("directory"));
  EXPECT_THAT(error_of(TemporaryFile().path()), HasSubstr("empty"));
  const TemporaryFile picture(test::to_bytes("GIF89a and more"));
  EXPECT_THAT(error_of(picture.path()), HasSubstr("neither pcapng nor classic pcap"));
  auto header = test::file_header(FileFormat::pcap);
  header.resize(20);
  const TemporaryFile torn(header);
  EXPECT_THAT(error_of(torn.path()), HasSubstr("in the middle"));
  auto fanout = open_file(picture.path(), {.fanout = Fanout{}});
  ASSERT_FALSE(fanout.has_value());
  EXPECT_TRUE(fanout.error().bad_usage);
  EXPECT_NE(error_of(picture.path(), {.batch_packets = 0}), "");
}

TEST(FileSource, AFileWithoutPacketsSimplyEnds) {
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::pcap}) {
    const TemporaryFile file(test::file_header(format));
    Source source = open_source(file);
    EXPECT_EQ(source.receive(1s).status, ReceiveStatus::end_of_stream);
    EXPECT_EQ(source.failure(), nullptr);
  }
}

}  // namespace
}  // namespace ringtail::pcapfile
