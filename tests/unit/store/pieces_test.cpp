// Packets with room around them go into the file from where they lie: with the same content as copied ones, in the same
// order, up to the same limits.
#include <fstream>
#include <gmock/gmock.h>
#include <random>
#include <unistd.h>

#include <ringtail/recorder.hpp>

#include "pcapfile/bytes.hpp"
#include "pcapfile/pcapng.hpp"
#include "ring/backend.hpp"
#include "store/record_scan.hpp"
#include "unit/store/recording_fixture.hpp"

namespace ringtail {
namespace {

using test::MemoryPacket;
using test::PacketFeed;
using test::RecorderTest;

constexpr std::uint32_t headroom_bytes = 128;
constexpr std::uint32_t tailroom_bytes = 64;
constexpr std::size_t long_packet = 4000;  // worth a piece of its own

/// The file's packet records as they stand there.
std::vector<std::string> packet_records(const std::string& path, FileFormat format) {
  std::ifstream file(path, std::ios::binary);
  const std::string content(std::istreambuf_iterator<char>(file), {});
  const auto read = [&](std::uint64_t offset, std::span<std::byte> memory) {
    if (offset + memory.size() > content.size()) return false;
    std::memcpy(memory.data(), content.data() + offset, memory.size());
    return true;
  };
  std::vector<std::string> records;
  for (std::uint64_t offset = 0; offset < content.size();) {
    const auto record = store::read_record_extent(format, offset, read);
    if (record.bytes == 0) break;
    if (record.is_packet) records.push_back(content.substr(offset, record.bytes));
    offset += record.bytes;
  }
  return records;
}

/// Packets of all lengths; some were cut, some say by which queue they came, some have a hash or a direction.
std::vector<MemoryPacket> all_kinds_of_packets(std::uint64_t count, std::size_t longest, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<MemoryPacket> packets;
  for (std::uint64_t number = 0; number < count; ++number) {
    MemoryPacket packet = test::make_numbered_packet(number, 22 + random() % (longest - 22));
    if (random() % 3 == 0) packet.wire_length = static_cast<std::uint32_t>(packet.bytes.size() + random() % 2000);
    if (random() % 2 == 0) packet.flags |= packet_flags::inbound;
    if (random() % 2 == 0) packet.flags |= packet_flags::rx_hash_valid;
    packet.rx_hash = static_cast<std::uint32_t>(random());
    packet.queue = static_cast<std::uint16_t>(random() % 3);
    packets.push_back(std::move(packet));
  }
  return packets;
}

void record(PacketFeed& feed, Recorder& recorder, const std::vector<MemoryPacket>& packets) {
  for (const MemoryPacket& packet : packets) feed.backend->push(packet);
  feed.write(recorder, 0, 0);
}

/// A file that direct I/O reaches, or one that everything is copied into.
class PiecesTest : public RecorderTest, public testing::WithParamInterface<const char*> {
 protected:
  PiecesTest() : RecorderTest(GetParam()) { feed_.backend->set_margins(headroom_bytes, tailroom_bytes); }

  [[nodiscard]] RecorderOptions options() const {
    return {.path = path("out"), .writer = Writer::splice, .layout = Layout::dilate};
  }

  PacketFeed feed_;
};

INSTANTIATE_TEST_SUITE_P(, PiecesTest, testing::Values("/var/tmp", "/dev/shm"),
                         [](const auto& parameter) { return std::string(parameter.param).substr(5); });

TEST_P(PiecesTest, RecordsAreThoseOfCopiedPackets) {
  const auto packets = all_kinds_of_packets(1'000, 9'000, 1);
  auto pieces = Recorder::create(options(), {&feed_.source});
  ASSERT_TRUE(pieces) << pieces.error().message();
  record(feed_, *pieces, packets);
  ASSERT_TRUE(pieces->finish());
  EXPECT_EQ(pieces->stats().dilated_chunks, 4U) << "one for each batch";
  EXPECT_LT(pieces->stats().copied_bytes, 8192U) << "head and statistics, and what was below the alignment";
  EXPECT_EQ(pieces->stats().written_packets, packets.size());
  EXPECT_EQ(pieces->stats().written_bytes, std::filesystem::file_size(path("out")));

  PacketFeed plain;
  auto copied = Recorder::create({.path = path("copied"), .writer = Writer::write}, {&plain.source});
  ASSERT_TRUE(copied);
  record(plain, *copied, packets);
  ASSERT_TRUE(copied->finish());
  const auto expected = packet_records(path("copied"), FileFormat::pcapng);
  EXPECT_EQ(expected.size(), packets.size());
  EXPECT_TRUE(packet_records(path("out"), FileFormat::pcapng) == expected);
  EXPECT_EQ(test::count_packets({path("out")}), static_cast<std::int64_t>(packets.size()));
}

// With less than a page and with megabytes in between, which a direct write takes.
TEST_P(PiecesTest, CopiedPacketsInBetweenKeepTheirPlaces) {
  auto recorder = Recorder::create(options(), {&feed_.source});
  ASSERT_TRUE(recorder);
  for (const std::uint64_t count : {1U, 7U, 700U, 1'500U, 30U}) {
    for (const bool has_room : {true, false}) {
      feed_.backend->set_margins(has_room ? headroom_bytes : 0, has_room ? tailroom_bytes : 0);
      feed_.write(*recorder, 0, count, 1000);
    }
    if (count == 700) recorder->tick();
  }
  ASSERT_TRUE(recorder->finish());
  EXPECT_TRUE(test::are_consecutive(test::read_numbers({path("out")}), 0, feed_.next_number));
  EXPECT_EQ(recorder->stats().written_bytes, std::filesystem::file_size(path("out")));
  EXPECT_EQ(feed_.backend->lent(), 0U);
}

TEST_P(PiecesTest, TooLittleRoomMeansACopy) {
  for (const auto& [front, back] : {std::pair{27U, 100U}, {100U, 38U}}) {
    feed_.backend->set_margins(front, back);
    auto recorder = Recorder::create(options(), {&feed_.source});
    ASSERT_TRUE(recorder);
    feed_.write(*recorder, 0, 100);
    ASSERT_TRUE(recorder->finish());
    EXPECT_EQ(recorder->stats().dilated_chunks, 0U);
    EXPECT_GT(recorder->stats().copied_bytes, 100U * 100);
    EXPECT_EQ(test::count_packets({path("out")}), 100);
  }
}

TEST_P(PiecesTest, TheSmallestRoomIsEnough) {
  feed_.backend->set_margins(28, 39);
  auto recorder = Recorder::create(options(), {&feed_.source});
  ASSERT_TRUE(recorder);
  record(feed_, *recorder, all_kinds_of_packets(500, 200, 2));
  ASSERT_TRUE(recorder->finish());
  EXPECT_EQ(recorder->stats().dilated_chunks, 2U);
  EXPECT_TRUE(test::are_consecutive(test::read_numbers({path("out")}), 0, 500));
}

TEST_P(PiecesTest, FilesHaveExactlyAsManyPacketsAsWereAskedFor) {
  RecorderOptions options = this->options();
  options.rotation.file_packets = 70;
  auto recorder = Recorder::create(options, {&feed_.source});
  ASSERT_TRUE(recorder);
  feed_.write(*recorder, 0, 300, 300);
  ASSERT_TRUE(recorder->finish());
  const auto names = files();
  ASSERT_EQ(names.size(), 5U);
  for (std::size_t index = 0; index < 4; ++index) {
    EXPECT_EQ(packet_records(names[index], FileFormat::pcapng).size(), 70U);
  }
  EXPECT_TRUE(test::are_consecutive(test::read_numbers(names), 0, 300));
  EXPECT_EQ(feed_.backend->lent(), 0U);
}

TEST_P(PiecesTest, FilesPassTheirSizeByOneRecordAtMost) {
  RecorderOptions options = this->options();
  options.rotation.file_bytes = 50'000;
  auto recorder = Recorder::create(options, {&feed_.source});
  ASSERT_TRUE(recorder);
  feed_.write(*recorder, 0, 400, 333);
  ASSERT_TRUE(recorder->finish());
  const auto names = files();
  ASSERT_GE(names.size(), 3U);
  for (std::size_t index = 0; index + 1 < names.size(); ++index) {
    EXPECT_GE(std::filesystem::file_size(names[index]), 50'000U);
    EXPECT_LT(std::filesystem::file_size(names[index]), 50'000U + 400);
  }
  EXPECT_TRUE(test::are_consecutive(test::read_numbers(names), 0, 400));
}

TEST_P(PiecesTest, ARecordingEndsInTheMiddleOfABatch) {
  RecorderOptions options = this->options();
  options.stop_after_file_bytes = 10'000;
  auto recorder = Recorder::create(options, {&feed_.source});
  ASSERT_TRUE(recorder);
  feed_.write(*recorder, 0, 100, 1000);
  EXPECT_TRUE(recorder->is_complete());
  ASSERT_TRUE(recorder->finish());
  EXPECT_EQ(feed_.source.stats().delivered, recorder->stats().written_packets);
  EXPECT_EQ(feed_.source.stats().unread, 100 - recorder->stats().written_packets);
}

// Lent to somebody else as well: his packets stay as they are.
TEST_P(PiecesTest, OtherHoldersOfTheBatchSeeTheirPackets) {
  const auto packets = all_kinds_of_packets(200, 1'500, 3);
  for (const MemoryPacket& packet : packets) feed_.backend->push(packet);
  auto recorder = Recorder::create(options(), {&feed_.source});
  ASSERT_TRUE(recorder);
  Received received = feed_.source.receive(std::chrono::nanoseconds::zero());
  const Batch lent = detail::share(received.batch);
  recorder->write(0, std::move(received.batch));
  EXPECT_EQ(recorder->stats().dilated_chunks, 1U);
  for (std::uint32_t index = 0; index < lent.size(); ++index) {
    EXPECT_TRUE(std::ranges::equal(lent[index].bytes(), packets[index].bytes));
  }
}

TEST_P(PiecesTest, BatchesComeBackWhenTheCallReturns) {
  auto recorder = Recorder::create(options(), {&feed_.source});
  ASSERT_TRUE(recorder);
  feed_.write(*recorder, 0, 1'000, 500);
  EXPECT_EQ(feed_.backend->lent(), 0U);
  EXPECT_GT(std::filesystem::file_size(path("out")), 1'000U * 500) << "and all is in the file";
}

/// Where layout and length decide.
class PiecesLayoutTest : public RecorderTest {
 protected:
  PiecesLayoutTest() : RecorderTest("/dev/shm") {}

  [[nodiscard]] bool goes_in_pieces(const RecorderOptions& options, std::size_t length) const {
    PacketFeed feed;
    feed.backend->set_margins(headroom_bytes, tailroom_bytes);
    auto recorder = Recorder::create(options, {&feed.source});
    if (!recorder) return false;
    feed.write(*recorder, 0, 100, length);
    EXPECT_TRUE(recorder->finish());
    EXPECT_EQ(packet_records(options.path, options.format).size(), 100U);
    return recorder->stats().dilated_chunks > 0;
  }
};

TEST_F(PiecesLayoutTest, LongPacketsGoInPiecesWhereACopyIsSaved) {
  const RecorderOptions spliced{.path = path("out"), .writer = Writer::splice};
  EXPECT_TRUE(goes_in_pieces(spliced, long_packet));
  EXPECT_FALSE(goes_in_pieces(spliced, 64));

  RecorderOptions forced = spliced;
  forced.layout = Layout::dilate;
  EXPECT_TRUE(goes_in_pieces(forced, 64));
  forced.layout = Layout::compact;
  EXPECT_FALSE(goes_in_pieces(forced, long_packet));

  for (const Writer writer : {Writer::automatic, Writer::direct, Writer::write, Writer::mmap}) {
    const RecorderOptions other{.path = path("out"), .writer = writer, .layout = Layout::dilate};
    EXPECT_FALSE(goes_in_pieces(other, long_packet)) << static_cast<int>(writer);
  }
}

TEST_F(PiecesLayoutTest, ClassicPcapNeedsRoomInFrontAlone) {
  for (const FileFormat format : {FileFormat::pcap, FileFormat::nsecpcap}) {
    const auto packets = all_kinds_of_packets(300, 9'000, 4);
    PacketFeed feed;
    feed.backend->set_margins(16, 0);
    auto pieces = Recorder::create({.path = path("out"), .format = format, .writer = Writer::splice}, {&feed.source});
    ASSERT_TRUE(pieces);
    record(feed, *pieces, packets);
    ASSERT_TRUE(pieces->finish());
    EXPECT_EQ(pieces->stats().dilated_chunks, 2U);

    PacketFeed plain;
    auto copied =
        Recorder::create({.path = path("copied"), .format = format, .writer = Writer::write}, {&plain.source});
    ASSERT_TRUE(copied);
    record(plain, *copied, packets);
    ASSERT_TRUE(copied->finish());
    EXPECT_TRUE(packet_records(path("out"), format) == packet_records(path("copied"), format));
    EXPECT_EQ(std::filesystem::file_size(path("out")), std::filesystem::file_size(path("copied")));
  }
}

}  // namespace
}  // namespace ringtail
