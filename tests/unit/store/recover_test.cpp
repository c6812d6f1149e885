#include "store/recover.hpp"

#include <fcntl.h>
#include <fstream>
#include <functional>
#include <gmock/gmock.h>
#include <unistd.h>

#include "base/file_descriptor.hpp"
#include "pcapfile/pcap.hpp"
#include "pcapfile/pcapng.hpp"
#include "store/storage_directory.hpp"
#include "unit/store/recording_fixture.hpp"

namespace ringtail::store {
namespace {

using test::PacketFeed;
using testing::HasSubstr;

class RecoverTest : public test::RecorderTest {
 protected:
  /// A finished file of `packets` of 1000 bytes.
  std::string make_file(std::uint64_t packets, FileFormat format = FileFormat::pcapng) {
    RecorderOptions options{.path = path("file"), .format = format};
    PacketFeed feed;
    auto recorder = Recorder::create(options, {&feed.source});
    feed.write(*recorder, 0, packets, 1000);
    if (!recorder->finish()) ADD_FAILURE() << "no file";
    return options.path;
  }
  static std::string content(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  static void overwrite(const std::string& file, std::uint64_t offset, const std::string& bytes) {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream << bytes;
  }
  static Recovery recover(const std::string& file, const RecoverOptions& options = {}) {
    auto recovery = recover_file(file, options);
    if (!recovery) ADD_FAILURE() << recovery.error().message();
    return recovery ? *recovery : Recovery{};
  }
  static void expect_refused(const std::string& file, const std::string& reason) {
    const std::string before = content(file);
    const auto recovery = recover_file(file, {});
    ASSERT_FALSE(recovery);
    EXPECT_THAT(recovery.error().message(), HasSubstr(reason));
    EXPECT_EQ(content(file), before);
  }
  /// Both judges read all of it without a word.
  static void expect_clean(const std::string& file, std::int64_t packets) {
    if (!test::has_program("tshark")) return;
    EXPECT_EQ(test::count_packets({file}), packets);
    const test::Verdict verdict = test::run("tshark -r '" + file + "' 2>&1 >/dev/null");
    EXPECT_EQ(verdict.exit_status, 0) << verdict.output;
    EXPECT_THAT(verdict.output, testing::Not(HasSubstr("tshark: ")));
  }
};

TEST_F(RecoverTest, AFileThatIsFineIsNotTouched) {
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::pcap, FileFormat::nsecpcap}) {
    const std::string file = make_file(20, format);
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    const auto before = std::filesystem::last_write_time(file);
    const Recovery recovery = recover(file);
    EXPECT_EQ(recovery.damage.problem, nullptr);
    EXPECT_EQ(recovery.damage.packets, 20U);
    EXPECT_EQ(std::filesystem::last_write_time(file), before);
    std::filesystem::remove(file);
  }
}

TEST_F(RecoverTest, ATornTailIsCutWhereverItTore) {
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::nsecpcap}) {
    const std::string whole = content(make_file(5, format));
    const std::size_t header_end = format == FileFormat::pcapng ? 500 : 24;
    for (std::size_t length = header_end; length < whole.size(); length += 61 + length % 7) {
      std::ofstream(path("torn"), std::ios::binary) << whole.substr(0, length);
      const Recovery recovery = recover(path("torn"));
      const std::string repaired = content(path("torn"));
      EXPECT_EQ(repaired, whole.substr(0, repaired.size())) << "only ever shorter";
      EXPECT_EQ(repaired.size() + recovery.cut_bytes, length);
      EXPECT_EQ(recover(path("torn")).damage.problem, nullptr) << length;
      EXPECT_LE(recovery.damage.packets, 5U);
    }
  }
}

TEST_F(RecoverTest, ZerosBehindTheEndAreCutAndInventNoPackets) {
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::pcap}) {
    const std::string file = make_file(10, format);
    const auto size = std::filesystem::file_size(file);
    std::filesystem::resize_file(file, size + (std::uintmax_t{1} << 26));  // sparse
    const Recovery recovery = recover(file);
    EXPECT_EQ(recovery.damage.packets, 10U);
    EXPECT_EQ(std::filesystem::file_size(file), size);
    expect_clean(file, 10);
  }
}

TEST_F(RecoverTest, AKilledMmapWritersClassicTailIsCut) {
  const std::string file = make_file(10, FileFormat::pcap);
  const std::string whole = content(file);
  // A record whose head was not written yet, and the rest of the window.
  overwrite(file, whole.size(), std::string(16, '\xff') + std::string(1'000, 'x') + std::string(1'000'000, '\xff'));
  EXPECT_EQ(recover(file).damage.packets, 10U);
  EXPECT_EQ(content(file), whole);
}

TEST_F(RecoverTest, AHoleBecomesAFillerAndWhatIsBehindItCountsAgain) {
  // Two chunks of packets at multiples of 4096, as direct I/O puts them; the one between never reached the disk.
  const std::string begin = content(make_file(30));
  const std::size_t packets_begin = begin.find(std::string("\x06\0\0\0", 4), 24);
  const std::string head = begin.substr(0, packets_begin);
  const std::size_t record = 32 + 1000;
  const std::string packets = begin.substr(packets_begin, 30 * record);
  std::string damaged = head + packets.substr(0, 10 * record);
  const std::size_t hole_begin = damaged.size();
  const std::size_t hole_end = (hole_begin / 4096 + 3) * 4096;
  damaged.resize(hole_end, '\0');
  damaged += packets.substr(20 * record);
  std::ofstream(path("holed"), std::ios::binary) << damaged;

  const RecoverOptions look{.dry_run = true};
  EXPECT_EQ(recover(path("holed"), look).damage.packets, 20U);
  EXPECT_EQ(content(path("holed")), damaged);

  const Recovery recovery = recover(path("holed"));
  EXPECT_EQ(recovery.damage.packets_before, 10U);
  EXPECT_EQ(recovery.damage.packets, 20U);
  EXPECT_EQ(recovery.filled_bytes, hole_end - hole_begin);
  EXPECT_EQ(recovery.cut_bytes, 0U);
  expect_clean(path("holed"), 20);
  EXPECT_EQ(recover(path("holed")).damage.problem, nullptr);

  // The same as a copy.
  std::ofstream(path("again"), std::ios::binary | std::ios::trunc) << damaged;
  recover(path("again"), {.copy_to = path("copy")});
  EXPECT_EQ(content(path("again")), damaged);
  EXPECT_EQ(content(path("copy")), content(path("holed")));
}

TEST_F(RecoverTest, TheDaemonsLeftoversAreMadeWhole) {
  const std::string file = make_file(30);
  const std::string whole = content(file);
  const std::size_t packets_begin = whole.find(std::string("\x06\0\0\0", 4), 24);
  const std::filesystem::path data = path("data");
  std::filesystem::create_directory(data);
  std::ofstream(data / ".c_00007.part", std::ios::binary)
      << whole.substr(0, packets_begin) << std::string(8192 - packets_begin, '\0') << whole.substr(packets_begin);
  std::ofstream(data / ".c_00008.part", std::ios::binary) << whole << "torn";
  const std::string foreign = whole + std::string(100, 'x') + whole;
  std::ofstream(data / ".c_00009.part", std::ios::binary) << foreign;
  const auto storage = StorageDirectory::open({.directory = data, .file_name = "{capture}_{sequence}", .capture = "c"});
  ASSERT_TRUE(storage.has_value());
  ASSERT_EQ((*storage)->leftovers().size(), 2U);
  for (const Leftover& leftover : (*storage)->leftovers()) {
    EXPECT_EQ(leftover.packets, 30U);
    EXPECT_EQ(leftover.name == "c_00007" ? leftover.filled_bytes : leftover.cut_bytes,
              leftover.name == "c_00007" ? 8192 - packets_begin : 4U);
    expect_clean(data / leftover.name, 30);
  }
  EXPECT_EQ(content(data / ".c_00009.part"), foreign) << "what no crash leaves is for somebody to look at";
}

TEST_F(RecoverTest, ALargeHoleIsFilledWithFillersThatReadersTake) {
  const std::string file = make_file(30);
  const std::string whole = content(file);
  const std::size_t packets_begin = whole.find(std::string("\x06\0\0\0", 4), 24);
  const std::uint64_t hole_end = std::uint64_t{40} << 20;
  std::filesystem::resize_file(file, packets_begin);
  std::filesystem::resize_file(file, hole_end);
  overwrite(file, hole_end, whole.substr(packets_begin));
  EXPECT_EQ(recover(file).damage.packets, 30U);
  EXPECT_EQ(recover(file).damage.problem, nullptr);
  if (test::has_program("capinfos")) {
    EXPECT_EQ(test::count_packets({file}), 30);
  }
}

TEST_F(RecoverTest, APacketThatContainsACaptureFileIsNotTakenForOne) {
  const std::string inner = content(make_file(3));
  const std::string file = make_file(1);
  const std::string whole = content(file);
  const std::size_t packet = whole.find(std::string("\x06\0\0\0", 4), 24);
  // The last packet is torn, and its bytes are those of a capture file, at a multiple of 512 even.
  std::string head = whole.substr(0, packet);
  pcapfile::pcapng::EnhancedPacketHead torn{.block = {pcapfile::pcapng::block_type::enhanced_packet, 100'032},
                                            .interface_id = 0,
                                            .timestamp_high = 1,
                                            .timestamp_low = 2,
                                            .captured_length = 100'000,
                                            .wire_length = 100'000};
  std::string damaged = head + std::string(reinterpret_cast<const char*>(&torn), sizeof torn);
  damaged.resize((damaged.size() / 512 + 1) * 512, 'x');
  damaged += inner;
  std::ofstream(file, std::ios::binary | std::ios::trunc) << damaged;
  const Recovery recovery = recover(file);
  EXPECT_EQ(recovery.damage.packets, 0U);
  EXPECT_EQ(content(file), head);
}

TEST_F(RecoverTest, DamageThatNoCrashExplainsIsLeftAlone) {
  const std::string file = make_file(30);
  overwrite(file, 5'000, std::string(4'000, 'x'));
  expect_refused(file, "which no crash leaves");
  const Recovery copy = recover(file, {.copy_to = path("copy")});
  EXPECT_EQ(copy.damage.packets, copy.damage.packets_before);
  expect_clean(path("copy"), static_cast<std::int64_t>(copy.damage.packets));

  const std::string classic = make_file(30, FileFormat::pcap);
  overwrite(classic, 5'000, std::string(4'000, '\xff'));
  expect_refused(classic, "which no crash leaves");
}

TEST_F(RecoverTest, WhatIsNoCaptureFileIsRefused) {
  std::ofstream(path("empty"));
  expect_refused(path("empty"), "neither pcapng nor classic pcap");
  std::ofstream(path("text")) << "hello, world, this is no capture file";
  expect_refused(path("text"), "neither pcapng nor classic pcap");
  std::ofstream(path("short")) << content(make_file(0)).substr(0, 20);
  expect_refused(path("short"), "at byte 0");
  expect_refused("/dev/null", "no regular file");
  EXPECT_FALSE(recover_file(path("none"), {}));
}

TEST_F(RecoverTest, AFileThatIsBeingWrittenIsRefused) {
  const std::string file = make_file(3);
  {
    const base::FileDescriptor writer(::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    expect_refused(file, "another program is writing it");
  }
  recover(file);
}

TEST_F(RecoverTest, TheCopyNeverReplacesTheFileItself) {
  const std::string file = make_file(3);
  EXPECT_FALSE(recover_file(file, {.copy_to = file}));
  std::filesystem::create_symlink(file, path("link"));
  EXPECT_FALSE(recover_file(file, {.copy_to = path("link")}));
  EXPECT_EQ(recover(file).damage.packets, 3U);
}

}  // namespace
}  // namespace ringtail::store
