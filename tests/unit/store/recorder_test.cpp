#include <fstream>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <thread>

#include <ringtail/recorder.hpp>

#include "store/machine.hpp"
#include "unit/store/recording_fixture.hpp"

namespace ringtail {
namespace {

using namespace std::chrono_literals;
using test::PacketFeed;
using test::RecorderTest;
using testing::ElementsAre;
using testing::HasSubstr;

/// The blocks that tshark does not show: type and length of each, from the file itself.
std::vector<std::uint32_t> block_types(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::uint32_t> types;
  std::uint32_t head[2];
  while (file.read(reinterpret_cast<char*>(head), sizeof head)) {
    types.push_back(head[0]);
    file.seekg(head[1] - sizeof head, std::ios::cur);
  }
  return types;
}

TEST_F(RecorderTest, TheFileIsValidFromTheMomentItIsOpened) {
  RINGTAIL_NEEDS_PROGRAM("capinfos");
  PacketFeed feed;
  const auto recorder = Recorder::create({.path = path("out.pcapng")}, {&feed.source});
  ASSERT_TRUE(recorder) << recorder.error().message();
  EXPECT_EQ(test::count_packets(files()), 0);
  struct stat status {};
  ASSERT_EQ(::stat(path("out.pcapng").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(RecorderTest, EveryFormatHoldsEveryPacketInOrder) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::pcap, FileFormat::nsecpcap}) {
    const std::string file = path("out" + std::to_string(static_cast<int>(format)));
    PacketFeed feed;
    auto recorder = Recorder::create({.path = file, .format = format}, {&feed.source});
    ASSERT_TRUE(recorder) << recorder.error().message();
    feed.write(*recorder, 0, 20'000, 200);  // several windows
    EXPECT_EQ(feed.backend->lent(), 0U);
    ASSERT_TRUE(recorder->finish());
    EXPECT_TRUE(test::are_consecutive(test::read_numbers({file}), 0, 20'000));
    const RecorderStats stats = recorder->stats();
    EXPECT_EQ(stats.written_packets, 20'000U);
    EXPECT_EQ(stats.captured_bytes, 4'000'000U);
    EXPECT_EQ(stats.dropped_writer, 0U);
    EXPECT_EQ(stats.written_bytes, std::filesystem::file_size(file));
  }
}

TEST_F(RecorderTest, TimesAndLengthsAreThosePacketsCameWith) {
  RINGTAIL_NEEDS_PROGRAM("tcpdump");
  PacketFeed feed;
  auto recorder = Recorder::create({.path = path("out"), .format = FileFormat::nsecpcap}, {&feed.source});
  ASSERT_TRUE(recorder);
  test::MemoryPacket packet = test::make_numbered_packet(0, 96);
  packet.timestamp_ns = 1'700'000'000'123'456'789;
  packet.wire_length = 1514;
  feed.backend->push(packet);
  feed.write(*recorder, 0, 0);
  ASSERT_TRUE(recorder->finish());
  const test::Verdict tcpdump = test::run("tcpdump --nano -tt -e -n -r '" + path("out") + "' 2>/dev/null");
  EXPECT_THAT(tcpdump.output, HasSubstr("1700000000.123456789"));
  EXPECT_THAT(tcpdump.output, HasSubstr("length 1514"));
}

TEST_F(RecorderTest, TheSectionSaysWhichMachineAndProgramMadeIt) {
  RINGTAIL_NEEDS_PROGRAM("capinfos");
  PacketFeed feed;
  auto recorder =
      Recorder::create({.path = path("out"), .application = "a test", .comment = "two words"}, {&feed.source});
  ASSERT_TRUE(recorder);
  ASSERT_TRUE(recorder->finish());
  const std::string infos = test::run("capinfos '" + path("out") + "'").output;
  EXPECT_THAT(infos, HasSubstr("a test"));
  EXPECT_THAT(infos, HasSubstr("two words"));
  EXPECT_THAT(infos, HasSubstr(store::machine_operating_system()));
  EXPECT_THAT(infos, HasSubstr(store::machine_hardware()));
}

TEST_F(RecorderTest, AnInterfaceIsDescribedBeforeItsFirstPacketAndInEveryLaterFile) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  PacketFeed first;
  PacketFeed second({test::make_ethernet_interface("second0")});
  RecorderOptions options{.path = path("out.pcapng")};
  options.rotation.file_packets = 4;
  auto recorder = Recorder::create(options, {&first.source, &second.source});
  ASSERT_TRUE(recorder);
  first.write(*recorder, 0, 1);
  const std::uint16_t late = first.backend->add_interface(test::make_ethernet_interface("late0"));
  first.backend->push(test::make_numbered_packet(1, 100, late));
  first.write(*recorder, 0, 0);
  second.write(*recorder, 1, 2);
  first.backend->push(test::make_numbered_packet(4, 100, late));
  first.write(*recorder, 0, 0);
  ASSERT_TRUE(recorder->finish());

  const auto names = [&](const std::string& file) {
    return test::run("tshark -r '" + file + "' -T fields -e frame.interface_name 2>/dev/null").output;
  };
  ASSERT_EQ(files().size(), 2U);
  EXPECT_EQ(names(files()[0]), "memory0\nlate0\nsecond0\nsecond0\n");
  EXPECT_EQ(names(files()[1]), "late0\n");
}

TEST_F(RecorderTest, StatisticsStandAtTheEndAndEveryFewSecondsWhenTheyChanged) {
  PacketFeed feed;
  feed.backend->set_drops(5, 2);
  auto recorder = Recorder::create({.path = path("out"), .statistics_interval = 0s}, {&feed.source});
  ASSERT_TRUE(recorder);
  feed.write(*recorder, 0, 1);
  recorder->tick();
  recorder->tick();  // nothing new, so nothing written
  feed.write(*recorder, 0, 1);
  recorder->tick();
  ASSERT_TRUE(recorder->finish());
  constexpr std::uint32_t section = 0x0a0d0d0a;
  EXPECT_THAT(block_types(path("out")), ElementsAre(section, 1, 6, 5, 6, 5, 5));
}

TEST_F(RecorderTest, CopiesPacketsInTheOrderInWhichTheyAreGiven) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  PacketFeed even;
  PacketFeed odd;
  for (const std::uint64_t number : {0U, 2U, 4U, 6U}) even.backend->push(test::make_numbered_packet(number, 100));
  for (const std::uint64_t number : {1U, 3U, 5U, 7U}) odd.backend->push(test::make_numbered_packet(number, 100));
  auto recorder = Recorder::create({.path = path("out"), .rotation = {.file_packets = 3}}, {&even.source, &odd.source});
  ASSERT_TRUE(recorder);
  {
    const Batch evens = even.source.receive(0ns).batch;
    const Batch odds = odd.source.receive(0ns).batch;
    for (std::uint32_t index = 0; index < 3; ++index) {
      recorder->copy(0, evens, index, 1);
      recorder->copy(1, odds, index, 1);
    }
    recorder->copy(0, evens, 3, 1);
    recorder->copy(1, odds, 3, 1);
    recorder->copy(1, odds, 3, 0);
    EXPECT_EQ(even.backend->lent(), 1U) << "the batches stay the caller's";
  }
  EXPECT_EQ(even.backend->lent() + odd.backend->lent(), 0U);
  ASSERT_TRUE(recorder->finish());
  EXPECT_EQ(recorder->stats().written_packets, 8U);
  EXPECT_EQ(recorder->stats().dropped_writer, 0U);
  EXPECT_EQ(files().size(), 3U);
  EXPECT_TRUE(test::are_consecutive(test::read_numbers(files()), 0, 8));
}

TEST_F(RecorderTest, ANoteStandsBetweenThePackets) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::pcap}) {
    PacketFeed feed;
    auto recorder = Recorder::create({.path = path("out"), .format = format}, {&feed.source});
    ASSERT_TRUE(recorder);
    feed.write(*recorder, 0, 1);
    recorder->note(0, 0, "the link was down");
    recorder->note(0, 7, "of an interface that is not known yet");
    feed.write(*recorder, 0, 1);
    ASSERT_TRUE(recorder->finish());
    EXPECT_EQ(test::read_numbers({path("out")}).size(), 2U);
    if (format != FileFormat::pcapng) continue;
    constexpr std::uint32_t section = 0x0a0d0d0a;
    EXPECT_THAT(block_types(path("out")), ElementsAre(section, 1, 6, 5, 6, 5));
    std::ifstream file(path("out"), std::ios::binary);
    EXPECT_THAT(std::string(std::istreambuf_iterator<char>(file), {}), HasSubstr("the link was down"));
  }
}

TEST_F(RecorderTest, StatisticsAreThoseOfTheSource) {
  RINGTAIL_NEEDS_PROGRAM("tshark");
  PacketFeed feed;
  feed.backend->set_drops(5, 2);
  auto recorder = Recorder::create({.path = path("out")}, {&feed.source});
  ASSERT_TRUE(recorder);
  feed.write(*recorder, 0, 10);
  ASSERT_TRUE(recorder->finish());
  const std::string infos = test::run("capinfos '" + path("out") + "'").output;
  EXPECT_THAT(infos, HasSubstr("Number of stat entries = 1"));
  // tshark does not print the figures, so they are read where section 4.6 of the draft puts them: option codes 4, 5, 7
  // and 8 of the last block, eight bytes each.
  std::ifstream file(path("out"), std::ios::binary);
  file.seekg(-(4 + 4 + 4 * 12), std::ios::end);
  struct [[gnu::packed]] {
    struct [[gnu::packed]] {
      std::uint16_t code, length;
      std::uint64_t value;
    } option[4];
  } figures;
  ASSERT_TRUE(file.read(reinterpret_cast<char*>(&figures), sizeof figures));
  EXPECT_EQ(std::uint16_t{figures.option[0].code}, 4);
  EXPECT_EQ(std::uint64_t{figures.option[0].value}, 17U)
      << "ifrecv: received, ring drops included, and what the interface lost";
  EXPECT_EQ(std::uint16_t{figures.option[1].code}, 5);
  EXPECT_EQ(std::uint64_t{figures.option[1].value}, 2U);
  EXPECT_EQ(std::uint16_t{figures.option[2].code}, 7);
  EXPECT_EQ(std::uint64_t{figures.option[2].value}, 5U);
  EXPECT_EQ(std::uint16_t{figures.option[3].code}, 8);
  EXPECT_EQ(std::uint64_t{figures.option[3].value}, 10U);
}

TEST_F(RecorderTest, APacketIsInTheFileAfterTheFlushInterval) {
  RINGTAIL_NEEDS_PROGRAM("capinfos");
  PacketFeed feed;
  auto recorder = Recorder::create({.path = path("out"), .flush_interval = 50ms}, {&feed.source});
  ASSERT_TRUE(recorder);
  feed.write(*recorder, 0, 3);
  std::this_thread::sleep_for(60ms);
  recorder->tick();
  EXPECT_EQ(test::count_packets(files()), 3);
}

TEST_F(RecorderTest, LargestPacketsFit) {
  RINGTAIL_NEEDS_PROGRAM("capinfos");
  PacketFeed feed;
  auto recorder = Recorder::create({.path = path("out")}, {&feed.source});
  ASSERT_TRUE(recorder);
  feed.write(*recorder, 0, 20, 262'144);
  ASSERT_TRUE(recorder->finish());
  EXPECT_EQ(test::count_packets(files()), 20);
}

TEST_F(RecorderTest, ClassicPcapTakesOneLinkTypeOnly) {
  Interface tunnel = test::make_ethernet_interface("tun0");
  tunnel.link_type = link_type::raw_ip;
  PacketFeed feed({test::make_ethernet_interface("eth0"), tunnel});
  const auto recorder = Recorder::create({.path = path("out"), .format = FileFormat::pcap}, {&feed.source});
  ASSERT_FALSE(recorder);
  EXPECT_TRUE(recorder.error().bad_usage);
  EXPECT_THAT(recorder.error().message(), HasSubstr("tun0"));
  EXPECT_TRUE(files().empty()) << "nothing was touched";
}

TEST_F(RecorderTest, ClassicPcapEndsWhenAnotherLinkTypeTurnsUpAndKeepsWhatItHas) {
  RINGTAIL_NEEDS_PROGRAM("capinfos");
  PacketFeed feed;
  auto recorder = Recorder::create({.path = path("out"), .format = FileFormat::pcap}, {&feed.source});
  ASSERT_TRUE(recorder);
  feed.write(*recorder, 0, 7);
  Interface tunnel = test::make_ethernet_interface("tun0");
  tunnel.link_type = link_type::raw_ip;
  feed.backend->add_interface(tunnel);
  feed.write(*recorder, 0, 5);
  ASSERT_NE(recorder->failure(), nullptr);
  EXPECT_FALSE(recorder->finish());
  EXPECT_EQ(test::count_packets(files()), 7);
  EXPECT_EQ(recorder->stats().dropped_writer, 5U);
}

TEST_F(RecorderTest, ClassicPcapWaitsForASourceToKnowItsLinkType) {
  RINGTAIL_NEEDS_PROGRAM("capinfos");
  auto recorder = Recorder::create({.path = path("out"), .format = FileFormat::pcap});
  ASSERT_TRUE(recorder);
  PacketFeed feed;
  ASSERT_TRUE(recorder->add_source(feed.source));
  EXPECT_EQ(test::count_packets(files()), 0);
}

TEST_F(RecorderTest, ImpossibleRequestsAreUsageErrors) {
  RecorderOptions ring_on_stdout{.path = "-"};
  ring_on_stdout.rotation.file_packets = 1;
  const RecorderOptions dilated_pcap{.path = path("out"), .format = FileFormat::pcap, .layout = Layout::dilate};
  RecorderOptions empty_files{.path = path("out")};
  empty_files.rotation.file_packets = 0;
  for (const RecorderOptions& options : {ring_on_stdout, dilated_pcap, empty_files, RecorderOptions{}}) {
    const auto recorder = Recorder::create(options);
    ASSERT_FALSE(recorder);
    EXPECT_TRUE(recorder.error().bad_usage);
  }
}

}  // namespace
}  // namespace ringtail
