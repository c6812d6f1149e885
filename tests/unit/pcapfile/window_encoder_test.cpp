#include "pcapfile/window_encoder.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "unit/pcapfile/files.hpp"
#include "unit/pcapfile/judge.hpp"

namespace ringtail::pcapfile {
namespace {

using test::Packets;

std::vector<std::byte> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

TEST(PcapngEncoder, TsharkReadsTheMetadata) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  const Packets packets = test::assorted_packets();
  const test::TemporaryFile file(test::make_file(FileFormat::pcapng, packets));
  const auto verdict = test::run("tshark -n -r " + file.path() +
                                 " -T fields -e frame.time_epoch -e frame.cap_len -e frame.len -e frame.interface_id"
                                 " -e frame.packet_flags_direction -e frame.packet_flags_reception_type 2>/dev/null");
  std::istringstream lines(verdict.output);
  for (const PacketDescriptor& packet : packets.descriptors) {
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    std::istringstream fields(line);
    std::uint64_t seconds = 0, nanoseconds = 0, captured = 0, wire = 0, interface_id = 0;
    char dot = 0;
    std::string direction, reception;
    fields >> seconds >> dot >> nanoseconds >> captured >> wire >> interface_id >> direction >> reception;
    EXPECT_EQ(seconds * 1'000'000'000 + nanoseconds, packet.timestamp_ns) << line;
    EXPECT_EQ(captured, packet.captured_length);
    EXPECT_EQ(wire, packet.wire_length);
    EXPECT_EQ(interface_id, packet.interface_id);
    const std::uint32_t flags = packet.flags & packet_flags::pcapng_mask;
    EXPECT_EQ(direction.empty(), flags == 0) << line;
    if (flags != 0) {
      EXPECT_EQ(std::stoul(direction, nullptr, 0), flags & 3) << line;
      EXPECT_EQ(std::stoul(reception, nullptr, 0), flags >> 2) << line;
    }
  }
}

// editcap turns any capture into classic pcap; that must be what our own encoder of classic pcap makes.
TEST(PcapngEncoder, EditcapFindsTheSameBytesAsInClassicPcap) {
  RINGTAIL_NEEDS_PROGRAM("editcap");
  const Packets packets = test::assorted_packets();
  const test::TemporaryFile pcapng(test::make_file(FileFormat::pcapng, packets));
  const test::TemporaryFile converted;
  ASSERT_EQ(test::run("editcap -F nsecpcap " + pcapng.path() + " " + converted.path() + " 2>&1").output, "");
  const auto theirs = read_file(converted.path());
  const auto ours = test::make_file(FileFormat::nsecpcap, packets);
  ASSERT_EQ(theirs.size(), ours.size());
  EXPECT_TRUE(std::equal(theirs.begin() + sizeof(pcap::FileHead), theirs.end(), ours.begin() + sizeof(pcap::FileHead)));
}

TEST(PcapEncoder, TcpdumpCopiesEveryFormatUnchanged) {
  RINGTAIL_NEEDS_PROGRAM("tcpdump");
  const Packets packets = test::assorted_packets();
  for (const auto& [format, precision] : {std::pair{FileFormat::pcap, "micro"}, {FileFormat::nsecpcap, "nano"}}) {
    const auto ours = test::make_file(format, packets);
    const test::TemporaryFile file(ours);
    const test::TemporaryFile copy;
    const auto verdict = test::run(std::string("tcpdump --time-stamp-precision=") + precision + " -r " + file.path() +
                                   " -w - 2>/dev/null > " + copy.path());
    EXPECT_EQ(verdict.exit_status, 0);
    EXPECT_TRUE(read_file(copy.path()) == ours) << precision;
  }
}

TEST(WindowEncoder, WindowsOfAnySizeHoldTheSameRecords) {
  Packets packets = test::assorted_packets();
  packets.descriptors.pop_back();  // the longest ones would not fit
  packets.descriptors.pop_back();
  for (const auto format : {FileFormat::pcapng, FileFormat::pcap, FileFormat::nsecpcap}) {
    const auto whole = test::encode(format, packets, std::size_t{1} << 20);
    for (const std::size_t window : {9100U, 10'000U, 10'001U, 40'003U}) {
      EXPECT_TRUE(test::encode(format, packets, window) == whole) << window;
    }
  }
}

TEST(WindowEncoder, NothingIsWrittenBehindTheLastWholeRecord) {
  const Packets packets = test::assorted_packets();
  for (const auto format : {FileFormat::pcapng, FileFormat::pcap, FileFormat::nsecpcap}) {
    const auto encoder = make_window_encoder(format);
    for (std::size_t size = 0; size < 300; ++size) {
      std::vector<std::byte> window(300, std::byte{0xee});
      const auto encoded = encoder->encode(packets.descriptors, packets.memory.data(), test::two_interfaces,
                                           std::span(window).first(size));
      ASSERT_LE(encoded.bytes, size);
      ASSERT_TRUE(std::all_of(window.begin() + static_cast<std::ptrdiff_t>(encoded.bytes), window.end(),
                              [](std::byte byte) { return byte == std::byte{0xee}; }));
    }
  }
}

TEST(WindowEncoder, RecordBytesIsAnUpperBoundThatAlwaysSuffices) {
  const Packets packets = test::assorted_packets();
  for (const auto format : {FileFormat::pcapng, FileFormat::pcap, FileFormat::nsecpcap}) {
    const auto encoder = make_window_encoder(format);
    for (const PacketDescriptor& packet : packets.descriptors) {
      std::vector<std::byte> window(encoder->record_bytes(packet.captured_length));
      EXPECT_EQ(encoder->encode({&packet, 1}, packets.memory.data(), test::two_interfaces, window).packets, 1U);
    }
  }
}

}  // namespace
}  // namespace ringtail::pcapfile
