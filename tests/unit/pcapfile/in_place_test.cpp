// The in-place encoders at their limits, and their files before independent readers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

#include "fixture/fake_backend.hpp"
#include "fixture/numbered_frames.hpp"
#include "pcapfile/in_place_encoder.hpp"
#include "pcapfile/pcap.hpp"
#include "unit/pcapfile/files.hpp"
#include "unit/pcapfile/in_place_rig.hpp"
#include "unit/pcapfile/judge.hpp"

namespace ringtail::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t block_bytes = 256U << 10;
constexpr std::uint32_t first_offset = 8192;
constexpr std::uint32_t carry_room = 4096;
// What an Ethernet packet takes up in a block beside its bytes, before rounding up to 8.
constexpr std::uint32_t kernel_framing = 84;

std::string without_root_warning(const std::string& command) {
  return "(" + command + ") 2>&1 | grep -v 'Running as user'";
}

std::string name_of(const testing::TestParamInfo<Layout>& layout) {
  if (layout.param == Layout::dilate) return "Dilate";
  return layout.param == Layout::compact ? "Compact" : "Automatic";
}

// ---- Other people's readers --------------------------------------------------------------------------------------

// Lengths, tags, directions and cuts of every sort, over many blocks.
void send_assortment(InPlaceRig& rig) {
  std::mt19937 random(11);
  const auto below = [&](std::uint32_t bound) { return static_cast<std::uint32_t>(random()) % bound; };
  for (std::uint32_t turn = 0; turn < 3000; ++turn) {
    FrameShape shape;
    shape.bytes = turn % 100 == 7 ? 14 + below(65'213) : 14 + below(turn % 2 == 0 ? 100 : 1501);
    if (turn % 1000 == 500) shape.bytes = 262'100 + below(100);
    shape.packet_type = static_cast<std::uint8_t>(below(5));
    shape.interface_index = 1 + below(3);
    shape.has_tag = below(3) == 0;
    rig.send(shape);
    if (turn % 500 == 499) rig.flush();
  }
  rig.flush();
}

class InPlaceReaders : public testing::TestWithParam<Layout> {
 protected:
  InPlaceReaders() : rig_({.layout = GetParam()}) {
    send_assortment(rig_);
    file_.write(rig_.file());
    expected_.write(rig_.expected_nsecpcap());
  }

  // The bytes behind the header of a classic pcap file, or of what makes itself one.
  [[nodiscard]] static std::string records_of(const std::string& path) {
    return "tail -c +" + std::to_string(sizeof(pcapfile::pcap::FileHead) + 1) + " " + path;
  }
  void expect_same_records(const TemporaryFile& converted) const {
    const std::string compare =
        "bash -c 'cmp <(" + records_of(converted.path()) + ") <(" + records_of(expected_.path()) + ")' 2>&1";
    EXPECT_EQ(run(compare).output, "");
  }

  InPlaceRig rig_;
  TemporaryFile file_;
  TemporaryFile expected_;
};

TEST_P(InPlaceReaders, OurOwnStrictWalkFindsEveryFrame) {
  rig_.expect_every_frame();
}

TEST_P(InPlaceReaders, TsharkHasNothingToRemark) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  EXPECT_EQ(run(without_root_warning("tshark -n -q -z expert -r " + file_.path())).output, "");
  const std::string count = "tshark -n -r " + file_.path() + " -T fields -e frame.number 2>/dev/null | wc -l";
  EXPECT_EQ(run(count).output, std::to_string(rig_.frames()) + "\n");
}

TEST_P(InPlaceReaders, TsharkSeesDirectionsAndInterfaces) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  const std::string fields = " -T fields -e frame.packet_flags -e frame.interface_id 2>/dev/null";
  std::istringstream lines(run("tshark -n -r " + file_.path() + fields).output);
  const StrictWalk walk = walk_strictly(FileFormat::pcapng, rig_.file());
  for (const FileRecord& record : walk.records) {
    std::string flags;
    std::uint32_t interface_id = 0;
    ASSERT_TRUE(lines >> flags >> interface_id);
    ASSERT_EQ(std::stoul(flags, nullptr, 0), record.flags);
    ASSERT_EQ(interface_id, record.interface_id);
  }
}

TEST_P(InPlaceReaders, CapinfosCountsThemWithoutAWarning) {
  RINGTAIL_NEEDS_PROGRAM("capinfos");
  const auto verdict = run("capinfos -M -c " + file_.path() + " 2>&1 >/dev/null");
  EXPECT_EQ(verdict.output, "");
  EXPECT_EQ(verdict.exit_status, 0);
  EXPECT_THAT(run("capinfos -M -c " + file_.path()).output,
              testing::HasSubstr("Number of packets:   " + std::to_string(rig_.frames())));
}

TEST_P(InPlaceReaders, EditcapMakesTheSameClassicPcap) {
  RINGTAIL_NEEDS_PROGRAM("editcap");
  const TemporaryFile converted;
  EXPECT_EQ(run(without_root_warning("editcap -F nsecpcap " + file_.path() + " " + converted.path())).output, "");
  expect_same_records(converted);
}

TEST_P(InPlaceReaders, MergecapMakesTheSameClassicPcap) {
  RINGTAIL_NEEDS_PROGRAM("mergecap");
  const TemporaryFile converted;
  EXPECT_EQ(run(without_root_warning("mergecap -F nsecpcap -w " + converted.path() + " " + file_.path())).output, "");
  expect_same_records(converted);
}

TEST_P(InPlaceReaders, TcpdumpAndLibpcapReadTheSamePackets) {
  RINGTAIL_NEEDS_PROGRAM("tcpdump");
  const TemporaryFile converted;
  const auto verdict =
      run("tcpdump --time-stamp-precision=nano -r " + file_.path() + " -w - 2>/dev/null >" + converted.path());
  EXPECT_EQ(verdict.exit_status, 0);
  expect_same_records(converted);
}

TEST_P(InPlaceReaders, ScapyReadsTheSamePackets) {
  if (run("/usr/bin/python3 -c 'import scapy.utils' 2>/dev/null").exit_status != 0) {
    GTEST_SKIP() << "python3-scapy is not installed";
  }
  const std::string script =
      "import sys\n"
      "from scapy.utils import RawPcapReader, RawPcapNgReader\n"
      "ours = [p for p, _ in RawPcapNgReader(sys.argv[1])]\n"
      "theirs = [p for p, _ in RawPcapReader(sys.argv[2])]\n"
      "print(len(ours), ours == theirs)\n";
  const TemporaryFile program(std::as_bytes(std::span(script)));
  const auto verdict =
      run("/usr/bin/python3 " + program.path() + " " + file_.path() + " " + expected_.path() + " 2>&1");
  EXPECT_EQ(verdict.output, std::to_string(rig_.frames()) + " True\n");
}

INSTANTIATE_TEST_SUITE_P(Layouts, InPlaceReaders, testing::Values(Layout::dilate, Layout::compact, Layout::automatic),
                         name_of);

TEST(InPlacePcap, TheFileIsByteForByteWhatItShouldBe) {
  InPlaceRig rig({.format = FileFormat::nsecpcap, .layout = Layout::compact});
  send_assortment(rig);
  EXPECT_TRUE(rig.file() == rig.expected_nsecpcap());
}

// ---- Limits --------------------------------------------------------------------------------------------------------

TEST(InPlaceLimits, BlocksFullToTheLastBytesKeepEverything) {
  for (const Layout layout : {Layout::dilate, Layout::compact}) {
    for (const std::uint32_t alignment : {1U, 512U, 4096U}) {
      for (const bool has_tag : {false, true}) {
        InPlaceRig rig({.layout = layout,
                        .alignment = alignment,
                        .block_bytes = block_bytes,
                        .batch_packets = 3,
                        .has_hashes = true});
        constexpr std::uint32_t others = 60'000, other_record = 60'088;  // 84 + 60,000, rounded up to 8
        constexpr std::uint32_t room = block_bytes - first_offset - 4 * other_record;
        // The last frame leaves 8 to 47 bytes of the block free, and then some of an alignment's worth.
        for (std::uint32_t slack = 8; slack < 600; slack += slack < 48 ? 1 : 61) {
          for (int other = 0; other < 4; ++other) rig.send({.bytes = others, .has_tag = has_tag});
          rig.send({.bytes = room - kernel_framing - slack, .has_tag = has_tag});
        }
        rig.flush();
        rig.expect_every_frame();
      }
    }
  }
}

TEST(InPlaceLimits, EveryLengthOfACarryIsKept) {
  struct Kind {
    FileFormat format;
    Layout layout;
    std::uint32_t step;
  };
  for (const Kind kind : {Kind{FileFormat::pcapng, Layout::dilate, 4}, Kind{FileFormat::pcapng, Layout::compact, 4},
                          Kind{FileFormat::pcap, Layout::compact, 1}}) {
    InPlaceRig rig({.format = kind.format, .layout = kind.layout, .alignment = 1, .block_bytes = block_bytes});
    for (std::uint32_t turn = 0; rig.file().size() < 2UL * carry_room; ++turn) {
      rig.send({.bytes = 1000});
      rig.flush();
    }
    for (std::uint32_t carried = 0; carried <= carry_room; carried += kind.step) {
      rig.send({.bytes = 14 + carried % 100, .has_tag = carried % 8 == 0});
      if (carried % 3 == 0) rig.send({.bytes = 60});
      rig.carry_next(carried);
      rig.flush();
    }
    rig.expect_every_frame();
  }
}

TEST(InPlaceLimits, TheLongestPacketsThatReadersTakeFit) {
  for (const Layout layout : {Layout::dilate, Layout::compact}) {
    InPlaceRig rig({.layout = layout});
    for (const std::uint32_t bytes : {262'139U, 262'140U, 262'141U, 262'144U, 499'894U}) {
      rig.send({.bytes = bytes});
      rig.send({.bytes = bytes, .has_tag = true});
    }
    rig.flush();
    rig.expect_every_frame();
  }
}

TEST(InPlaceLimits, PacketsOutOfPhaseAreBroughtIntoIt) {
  InPlaceRig rig({.layout = Layout::dilate, .block_bytes = block_bytes});
  for (std::uint32_t turn = 0; turn < 3000; ++turn) {
    constexpr std::uint32_t link_headers[] = {14, 0, 15, 20, 17};
    rig.send({.bytes = 14 + turn % 300, .link_header_bytes = link_headers[turn % 5], .has_tag = turn % 7 == 0});
  }
  rig.flush();
  rig.expect_every_frame();
  EXPECT_GT(rig.copied_bytes(), 0U);
}

// ---- What is counted, what is chosen -------------------------------------------------------------------------------

TEST(InPlaceLayout, DilatingCopiesNothingCompactingEverything) {
  for (const Layout layout : {Layout::dilate, Layout::compact}) {
    InPlaceRig rig({.layout = layout, .block_bytes = block_bytes});
    for (int turn = 0; turn < 1000; ++turn) rig.send({.bytes = 700});
    rig.flush();
    EXPECT_EQ(rig.copied_bytes(), layout == Layout::dilate ? 0U : 700'000U);
    EXPECT_EQ(rig.compacted_blocks() == 0, layout == Layout::dilate);
    EXPECT_EQ(rig.dilated_blocks() == 0, layout == Layout::compact);
  }
}

TEST(InPlaceLayout, AutomaticDilatesBlocksOfLongPacketsOnly) {
  const auto blocks = [](FileFormat format, const FrameShape& shape) {
    InPlaceRig rig({.format = format, .layout = Layout::automatic, .block_bytes = block_bytes});
    for (int turn = 0; turn < 1000; ++turn) rig.send(shape);
    rig.flush();
    rig.expect_every_frame();
    return std::pair{rig.dilated_blocks() != 0, rig.compacted_blocks() != 0};
  };
  using Seen = std::pair<bool, bool>;
  EXPECT_EQ(blocks(FileFormat::pcapng, {.bytes = 1000}), (Seen{true, false}));
  EXPECT_EQ(blocks(FileFormat::pcapng, {.bytes = 100}), (Seen{false, true}));
  EXPECT_EQ(blocks(FileFormat::pcapng, {.bytes = 1000, .link_header_bytes = 0}), (Seen{false, true}));
  EXPECT_EQ(blocks(FileFormat::pcap, {.bytes = 1000}), (Seen{false, true}));
}

TEST(InPlaceLayoutDeathTest, ClassicPcapCannotBeDilated) {
  EXPECT_DEATH((void)pcapfile::make_in_place_encoder(FileFormat::pcap, Layout::dilate), "only pcapng");
}

// ---- One block by hand ---------------------------------------------------------------------------------------------

class InPlaceBlock : public testing::TestWithParam<Layout> {
 protected:
  static constexpr std::uint32_t batch_packets = 10;

  InPlaceBlock() : backend_(new fixture::FakeBackend(fixture::small_geometry(2, block_bytes), batch_packets)) {}

  void deliver(std::uint64_t number, std::size_t frame_bytes) {
    const auto bytes = fixture::make_numbered_frame(number, frame_bytes);
    ASSERT_TRUE(backend_->kernel().deliver({.bytes = bytes}));
  }
  [[nodiscard]] Batch receive() {
    Batch batch;
    EXPECT_EQ(backend_->receive(0ns, batch), ReceiveStatus::packets);
    return batch;
  }
  [[nodiscard]] static std::span<const PacketDescriptor> packets_of(const Batch& batch) {
    return {batch.slot()->descriptors, batch.size()};
  }
  [[nodiscard]] static std::span<const std::byte> bytes_of(const Batch& batch, const pcapfile::EncodedBlock& encoded) {
    return {batch.slot()->in_place.base + encoded.begin, encoded.end - encoded.begin};
  }

  std::unique_ptr<fixture::FakeBackend, detail::BackendDeleter> backend_;
  std::unique_ptr<pcapfile::InPlaceEncoder> encoder_ = pcapfile::make_in_place_encoder(FileFormat::pcapng, GetParam());
  static constexpr std::uint32_t interfaces_[] = {0};
};

// A file may have to end in the middle of a block. What comes behind must still be there for the next one.
TEST_P(InPlaceBlock, EndingEarlyWithoutAlignmentLeavesTheRestOfTheBlockWhole) {
  for (std::uint64_t number = 0; number < 30; ++number) deliver(number, 30 + number * 5);
  backend_->kernel().retire_timer();
  const Batch first = receive();
  encoder_->begin(first.slot()->in_place, 0);
  encoder_->add(packets_of(first).first(7), interfaces_);
  const auto encoded = encoder_->finish(1);

  const StrictWalk walk = walk_strictly(FileFormat::pcapng, bytes_of(first, encoded));
  EXPECT_EQ(walk.complaint, "");
  EXPECT_EQ(walk.records.size(), 7U);
  std::uint64_t expected = 7;
  for (std::uint32_t index = 7; index < 10; ++index) {
    EXPECT_TRUE(fixture::read_numbered_frame(first[index].bytes()).intact);
    EXPECT_EQ(fixture::read_numbered_frame(first[index].bytes()).number, expected++);
  }
  for (int batches = 0; batches < 2; ++batches) {
    for (const PacketView packet : receive()) {
      EXPECT_TRUE(fixture::read_numbered_frame(packet.bytes()).intact);
      EXPECT_EQ(fixture::read_numbered_frame(packet.bytes()).number, expected++);
    }
  }
}

// Batch::keep_first() and packets that go elsewhere leave gaps that may be longer than an option can be.
TEST_P(InPlaceBlock, PacketsInBetweenMayBeMissing) {
  const std::size_t lengths[] = {60, 65'400, 60, 65'480, 60, 100'000, 60};
  for (std::uint64_t number = 0; number < std::size(lengths); ++number) deliver(number, lengths[number]);
  backend_->kernel().retire_timer();
  const Batch batch = receive();
  ASSERT_EQ(batch.size(), std::size(lengths));
  encoder_->begin(batch.slot()->in_place, 0);
  for (std::size_t index = 0; index < std::size(lengths); index += 2) {
    encoder_->add(packets_of(batch).subspan(index, 1), interfaces_);
    encoder_->add({}, interfaces_);
  }
  const auto encoded = encoder_->finish(4096);
  const StrictWalk walk = walk_strictly(FileFormat::pcapng, bytes_of(batch, encoded));
  EXPECT_EQ(walk.complaint, "");
  ASSERT_EQ(walk.records.size(), 4U);
  for (std::size_t index = 0; index < 4; ++index) {
    EXPECT_EQ(fixture::read_numbered_frame(walk.records[index].bytes).number, 2 * index);
    EXPECT_TRUE(fixture::read_numbered_frame(walk.records[index].bytes).intact);
  }
}

TEST_P(InPlaceBlock, WithoutPacketsOnlyTheCarryIsLeft) {
  deliver(0, 60);
  backend_->kernel().retire_timer();
  const Batch batch = receive();
  const detail::InPlace& block = batch.slot()->in_place;
  for (const std::uint32_t alignment : {1U, 512U, 4096U}) {
    for (const std::uint32_t carried : {0U, 12U, 500U, 504U, 508U, 512U, 4080U, 4084U, 4088U, 4092U, 4096U}) {
      if (carried != 0) pcapfile::pcapng::store_filler(block.base + block.carry_offset, carried);
      encoder_->begin(block, carried);
      const auto encoded = encoder_->finish(alignment);
      EXPECT_EQ(encoded.end % alignment, 0U);
      EXPECT_GE(encoded.end - encoded.begin, carried);
      EXPECT_LE(encoded.end - encoded.begin, carried + 2 * alignment);
      EXPECT_EQ(walk_strictly(FileFormat::pcapng, bytes_of(batch, encoded)).complaint, "");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, InPlaceBlock, testing::Values(Layout::dilate, Layout::compact, Layout::automatic),
                         name_of);

}  // namespace
}  // namespace ringtail::test
