// Capture files that other people's programs made, read by us and by Wireshark's: the same packets, times and bytes.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "pcapfile/pcap.hpp"
#include "unit/pcapfile/judge.hpp"
#include "unit/pcapfile/read_all.hpp"

namespace ringtail::pcapfile {
namespace {

namespace fs = std::filesystem;
using test::ReadFile;

// RINGTAIL_CORPUS comes from CMake: where the captures lie, if they are there at all.
std::vector<fs::path> captures_below(const char* folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(RINGTAIL_CORPUS) / folder, error)) {
    const auto extension = entry.path().extension();
    if (extension == ".pcapng" || extension == ".pcap") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

struct Seen {
  std::string interface_index;  // empty: not a packet, but a block that Wireshark lists as one
  std::uint64_t timestamp_ns = 0;
  std::uint64_t captured_length = 0;
  std::uint64_t wire_length = 0;
  std::string bytes_in_hex;
};

// "1340954905.298858000", or nothing for a packet without a time.
std::uint64_t to_ns(const std::string& epoch) {
  if (epoch.empty()) return 0;
  const std::size_t dot = epoch.find('.');
  return std::stoull(epoch.substr(0, dot)) * 1'000'000'000 + std::stoull(epoch.substr(dot + 1));
}

std::vector<Seen> as_tshark_sees(const fs::path& file) {
  const auto verdict = test::run("tshark -n -r '" + file.string() + "' -T json -x 2>/dev/null");
  std::vector<Seen> packets;
  for (const auto& packet : nlohmann::json::parse(verdict.output)) {
    const auto& layers = packet["_source"]["layers"];
    const auto field = [&](const char* name) { return layers["frame"].value(name, std::string()); };
    packets.push_back({field("frame.interface_id"), to_ns(field("frame.time_epoch")),
                       std::stoull(field("frame.cap_len")), std::stoull(field("frame.len")), layers["frame_raw"][0]});
  }
  return packets;
}

std::string to_hex(const std::vector<std::byte>& bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (const std::byte byte : bytes) {
    hex += digits[std::to_integer<unsigned>(byte) >> 4];
    hex += digits[std::to_integer<unsigned>(byte) & 15];
  }
  return hex;
}

std::vector<std::byte> contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

class PcapngCorpus : public testing::TestWithParam<const char*> {};

TEST_P(PcapngCorpus, EveryFileReadsAsTsharkReadsIt) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  const auto files = captures_below(GetParam());
  if (files.empty()) GTEST_SKIP() << "no captures in " << RINGTAIL_CORPUS << "/" << GetParam();
  for (const fs::path& path : files) {
    SCOPED_TRACE(path);
    const ReadFile ours = test::read_all(contents(path), 100);
    EXPECT_EQ(ours.problem, "");
    EXPECT_EQ(ours.malformed, 0U);
    std::size_t packets = 0;
    for (const Seen& theirs : as_tshark_sees(path)) {
      if (theirs.interface_index.empty()) continue;
      ASSERT_LT(packets, ours.packets.size());
      const auto& [descriptor, bytes] = ours.packets[packets++];
      EXPECT_EQ(descriptor.timestamp_ns, theirs.timestamp_ns);
      EXPECT_EQ(descriptor.captured_length, theirs.captured_length);
      EXPECT_EQ(descriptor.wire_length, theirs.wire_length);
      EXPECT_EQ(ours.interfaces.at(descriptor.interface_id).index_in_section, std::stoul(theirs.interface_index));
      EXPECT_EQ(to_hex(bytes), theirs.bytes_in_hex);
    }
    EXPECT_EQ(packets, ours.packets.size());
  }
}

// One case per folder: starting tshark for every file takes a while.
INSTANTIATE_TEST_SUITE_P(Folders, PcapngCorpus,
                         testing::Values("pcapng/output_le/basic", "pcapng/output_le/advanced",
                                         "pcapng/output_le/difficult", "pcapng/output_be/basic",
                                         "pcapng/output_be/advanced", "pcapng/output_be/difficult"));

// editcap turns them into classic pcap with nanoseconds, where a record is a head and the bytes.
TEST(Corpus, RealTrafficHoldsTheSameBytesAsForEditcap) {
  RINGTAIL_NEEDS_PROGRAM("editcap");
  const auto files = captures_below("traffic");
  if (files.empty()) GTEST_SKIP() << "no captures in " << RINGTAIL_CORPUS << "/traffic";
  for (const fs::path& path : files) {
    SCOPED_TRACE(path);
    const test::TemporaryFile converted;
    ASSERT_EQ(test::run("editcap -F nsecpcap '" + path.string() + "' " + converted.path() + " 2>&1").output, "");
    const auto theirs = contents(converted.path());

    const ReadFile ours = test::read_all(contents(path));
    EXPECT_EQ(ours.problem, "");
    std::size_t at = sizeof(pcap::FileHead);
    for (const auto& [descriptor, bytes] : ours.packets) {
      const auto head = pcap::make_record_head<pcap::Precision::nanoseconds>(descriptor);
      ASSERT_LE(at + sizeof head + bytes.size(), theirs.size());
      ASSERT_EQ(std::memcmp(theirs.data() + at, &head, sizeof head), 0) << "record at " << at;
      at += sizeof head;
      ASSERT_EQ(std::memcmp(theirs.data() + at, bytes.data(), bytes.size()), 0) << "data at " << at;
      at += bytes.size();
    }
    EXPECT_EQ(at, theirs.size());
  }
}

}  // namespace
}  // namespace ringtail::pcapfile
