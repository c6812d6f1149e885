// The blocks that are written once in a while, as other people's readers see them.
#include <algorithm>
#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pcapfile/pcap.hpp"
#include "pcapfile/pcapng.hpp"
#include "unit/pcapfile/judge.hpp"

namespace ringtail::pcapfile {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

Interface example_interface() {
  Interface interface;
  interface.name = "eth7";
  interface.description = "uplink";
  interface.filter = "tcp port 443";
  interface.hardware = "ixgbe";
  interface.speed_bps = 10'000'000'000;
  interface.link_type = link_type::ethernet;
  constexpr std::array<std::uint8_t, 6> mac = {2, 0, 0, 0xaa, 0xbb, 0xcc};
  std::copy(mac.begin(), mac.end(), interface.mac_address);
  interface.has_mac_address = true;
  return interface;
}

pcapng::Bytes example_file() {
  pcapng::Bytes file;
  pcapng::append_section_header(
      file, {.hardware = "x86-64", .operating_system = "Linux 6.1", .application = "ringtail", .comment = "hello"});
  pcapng::append_interface_description(file, example_interface(), 4096, "Linux 6.1");
  return file;
}

// One packet of 60 zero bytes with all three options.
void append_packet(pcapng::Bytes& file) {
  constexpr std::uint32_t data = 60;
  constexpr std::uint32_t total = sizeof(pcapng::EnhancedPacketHead) + data + pcapng::flags_option_bytes +
                                  pcapng::queue_option_bytes + pcapng::hash_option_bytes + 20 +
                                  pcapng::end_of_options_bytes + pcapng::block_trailer_bytes;
  PacketDescriptor packet{};
  packet.timestamp_ns = 1'700'000'000'123'456'789;
  packet.captured_length = data;
  packet.wire_length = 70;
  const std::size_t begin = file.size();
  file.resize(begin + total);
  std::byte* at = pcapng::store_packet_head(file.data() + begin, packet, 0, total) + data;
  at = pcapng::store_flags_option(at, packet_flags::outbound | packet_flags::multicast | packet_flags::truncated);
  at = pcapng::store_queue_option(at, 3);
  at = pcapng::store_hash_option(at, 0x11223344);
  at = pcapng::store_padding_option(at, 20);
  at = pcapng::store_end_of_options(at);
  at = store(at, total);
  ASSERT_EQ(at, file.data() + file.size());
}

TEST(PcapngFormat, CapinfosReadsTheSectionAndTheInterface) {
  RINGTAIL_NEEDS_PROGRAM("capinfos");
  const test::TemporaryFile file(example_file());
  const auto verdict = test::run("capinfos " + file.path() + " 2>&1");
  EXPECT_EQ(verdict.exit_status, 0);
  for (const char* text :
       {"x86-64", "Linux 6.1", "ringtail", "hello", "Name = eth7", "Description = uplink", "Hardware = ixgbe",
        "Speed = 10000000000", "Capture length = 4096", "Time precision = nanoseconds",
        "Time ticks per second = 1000000000", "Filter string = tcp port 443"}) {
    EXPECT_THAT(verdict.output, HasSubstr(text));
  }
}

TEST(PcapngFormat, TsharkReadsThePacketAndItsOptionsWithoutANote) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  pcapng::Bytes bytes = example_file();
  append_packet(bytes);
  const test::TemporaryFile file(bytes);
  const auto verdict = test::run("tshark -n -r " + file.path() +
                                 " -T fields -e frame.time_epoch -e frame.cap_len -e frame.len -e frame.interface_name"
                                 " -e frame.packet_flags_direction -e frame.packet_flags_reception_type -e _ws.expert"
                                 " 2>&1 | grep -v 'Running as user'");
  EXPECT_THAT(verdict.output, MatchesRegex("1700000000.123456789\t60\t70\teth7\t0?x?0*2\t2\t\n"));
}

TEST(PcapngFormat, StatisticsAreReadAsWritten) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  pcapng::Bytes bytes = example_file();
  append_packet(bytes);
  pcapng::append_interface_statistics(bytes, 0,
                                      {.start_ns = 1'700'000'000'000'000'000,
                                       .end_ns = 1'700'000'001'000'000'000,
                                       .received = 5'000'000'001,
                                       .dropped_interface = 5'000'000'002,
                                       .dropped_ring = 5'000'000'003,
                                       .delivered = 5'000'000'004});
  const test::TemporaryFile file(bytes);
  // The file read as a protocol: every field of every block, with tshark's own complaints.
  const auto verdict = test::run("tshark -n -X 'read_format:MIME Files Format' -V -r " + file.path() + " 2>&1");
  for (const char* number : {"5000000001", "5000000002", "5000000003", "5000000004"}) {
    EXPECT_THAT(verdict.output, HasSubstr(number));
  }
  EXPECT_THAT(verdict.output, Not(HasSubstr("Malformed")));
  EXPECT_THAT(test::run("capinfos " + file.path() + " 2>&1").output, HasSubstr("Number of stat entries = 1"));
}

TEST(PcapngFormat, AFillerIsNoPacketToAnybody) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  RINGTAIL_NEEDS_PROGRAM("tcpdump");
  for (const std::uint32_t filler : {12U, 16U, 4096U, pcapng::largest_filler_bytes + 4, (20U << 20) + 8}) {
    pcapng::Bytes bytes = example_file();
    append_packet(bytes);
    const std::size_t begin = bytes.size();
    bytes.resize(begin + filler, std::byte{0xee});
    ASSERT_EQ(pcapng::store_filler(bytes.data() + begin, filler), bytes.data() + bytes.size());
    append_packet(bytes);
    const test::TemporaryFile file(bytes);
    EXPECT_EQ(test::run("tshark -n -r " + file.path() + " 2>&1 | grep -v 'Running as user' | wc -l").output, "2\n");
    EXPECT_EQ(test::run("tcpdump -n -r " + file.path() + " 2>/dev/null | wc -l").output, "2\n");
  }
}

TEST(PcapngFormat, AFillerLeavesNoByteOfWhatWasThere) {
  pcapng::Bytes bytes(1000, std::byte{0xee});
  pcapng::store_filler(bytes.data(), 1000);
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), std::byte{0xee}), 0);
}

TEST(PcapngFormat, ATextTooLongForAnOptionIsCutBetweenCharacters) {
  std::string comment(65534, 'x');
  comment += "\u00e9 and more";
  pcapng::Bytes bytes;
  pcapng::append_section_header(bytes, {.comment = comment});
  const auto head = load<pcapng::OptionHead>(bytes.data() + sizeof(pcapng::SectionHead));
  EXPECT_EQ(head.code, pcapng::option_code::comment);
  EXPECT_EQ(head.length, 65534);
  EXPECT_EQ(bytes.size(), load<pcapng::BlockHead>(bytes.data()).total_length);
}

TEST(PcapFormat, CapinfosReadsTheHeader) {
  RINGTAIL_NEEDS_PROGRAM("capinfos");
  for (const auto precision : {pcap::Precision::microseconds, pcap::Precision::nanoseconds}) {
    std::vector<std::byte> bytes;
    pcap::append_file_header(bytes, precision, link_type::raw_ip, 96);
    const test::TemporaryFile file(bytes);
    const auto verdict = test::run("capinfos " + file.path() + " 2>&1");
    EXPECT_THAT(verdict.output, HasSubstr("Raw IP"));
    EXPECT_THAT(verdict.output, HasSubstr("file hdr: 96 bytes"));
    EXPECT_THAT(verdict.output,
                HasSubstr(precision == pcap::Precision::nanoseconds ? "nanoseconds (9)" : "microseconds (6)"));
  }
}

}  // namespace
}  // namespace ringtail::pcapfile
