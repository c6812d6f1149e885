#include <gmock/gmock.h>

#include "command_line_fixture.hpp"
#include "report.hpp"

namespace ringtail::tools {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

CaptureOptions options_of(std::vector<std::string> words) {
  ReadCommandLine read = read_command_line(std::move(words));
  EXPECT_EQ(read.status, std::nullopt) << read.told;
  return read.options;
}

TEST(CaptureOptions, DefaultsAreThoseOfTheLibrary) {
  const CaptureOptions options = options_of({});
  EXPECT_TRUE(options.interfaces.empty());
  EXPECT_EQ(options.defaults.snaplen, 262144U);
  EXPECT_EQ(options.defaults.buffer_bytes, std::size_t{64} << 20);
  EXPECT_TRUE(options.defaults.promiscuous);
  EXPECT_EQ(options.output.format, FileFormat::pcapng);
  EXPECT_EQ(options.threads, 1);
}

TEST(CaptureOptions, BelongToTheInterfaceBeforeThem) {
  const CaptureOptions options =
      options_of({"-i", "eth0", "-f", "tcp", "-s", "96", "-i", "eth1", "-p", "-B", "2", "-y", "RAW"});
  ASSERT_EQ(options.interfaces.size(), 2U);
  const OpenOptions& first = options.interfaces[0].open;
  EXPECT_EQ(options.interfaces[0].device, "eth0");
  EXPECT_EQ(first.filter, "tcp");
  EXPECT_EQ(first.snaplen, 96U);
  EXPECT_TRUE(first.promiscuous);
  EXPECT_EQ(first.link_type, std::nullopt);
  const OpenOptions& second = options.interfaces[1].open;
  EXPECT_EQ(second.filter, "");
  EXPECT_EQ(second.snaplen, 262144U);
  EXPECT_FALSE(second.promiscuous);
  EXPECT_EQ(second.buffer_bytes, std::size_t{2} << 20);
  EXPECT_EQ(second.link_type, link_type::raw_ip);
}

TEST(CaptureOptions, BeforeTheFirstInterfaceHoldForAll) {
  const CaptureOptions options = options_of({"-s", "128", "-p", "-i", "eth0", "-s", "64", "-i", "eth1"});
  ASSERT_EQ(options.interfaces.size(), 2U);
  EXPECT_EQ(options.interfaces[0].open.snaplen, 64U);
  EXPECT_EQ(options.interfaces[1].open.snaplen, 128U);
  EXPECT_FALSE(options.interfaces[0].open.promiscuous);
  EXPECT_FALSE(options.interfaces[1].open.promiscuous);
}

TEST(CaptureOptions, WithoutAnyInterfaceHoldForTheDefaultOne) {
  EXPECT_EQ(options_of({"-s", "128", "udp"}).defaults.snaplen, 128U);
  EXPECT_EQ(options_of({"-s", "128", "udp"}).defaults.filter, "udp");
}

TEST(CaptureOptions, ThatAreNobodysHoldForAllWhereverTheyStand) {
  const CaptureOptions options = options_of({"-i", "eth0", "--direction", "in", "-i", "eth1", "--retire-timeout", "20",
                                             "--block-size", "2097152", "--wait", "--numa", "off"});
  for (const InterfaceOptions& interface : options.interfaces) {
    EXPECT_EQ(interface.open.direction, Direction::in);
    EXPECT_EQ(interface.open.retire_timeout, 20ms);
    EXPECT_EQ(interface.open.block_bytes, 2097152U);
    EXPECT_TRUE(interface.open.wait_for_interface);
    EXPECT_EQ(interface.open.numa_node, numa_off);
  }
}

TEST(CaptureOptions, WordsBehindThemAreTheFilterOfAllInterfaces) {
  const CaptureOptions options = options_of({"-i", "eth0", "-i", "eth1", "-c", "5", "tcp", "port", "80"});
  EXPECT_EQ(options.interfaces[0].open.filter, "tcp port 80");
  EXPECT_EQ(options.interfaces[1].open.filter, "tcp port 80");
  EXPECT_EQ(options.stop_after_packets, 5U);
}

TEST(CaptureOptions, MayStandBehindTheFilterWords) {
  const CaptureOptions options = options_of({"-i", "eth0", "not", "(tcp", "or", "udp)", "-w", "out.pcapng"});
  EXPECT_EQ(options.interfaces[0].open.filter, "not (tcp or udp)");
  EXPECT_EQ(options.output.path, "out.pcapng");
}

TEST(CaptureOptions, FilterWordsMayLookLikeOptionsBehindTwoDashes) {
  EXPECT_EQ(options_of({"-i", "eth0", "--", "-1", "==", "1"}).interfaces[0].open.filter, "-1 == 1");
}

TEST(CaptureOptions, ReadShortOptionsInEveryUsualForm) {
  const CaptureOptions options = options_of({"-ieth0", "-s96", "-qp", "-w-", "--snapshot-length=64"});
  EXPECT_EQ(options.interfaces[0].device, "eth0");
  EXPECT_EQ(options.interfaces[0].open.snaplen, 64U);
  EXPECT_FALSE(options.interfaces[0].open.promiscuous);
  EXPECT_TRUE(options.quiet);
  EXPECT_EQ(options.output.path, "-");
}

TEST(CaptureOptions, SnaplenZeroMeansEverything) {
  EXPECT_EQ(options_of({"-s", "0"}).defaults.snaplen, 262144U);
}

TEST(CaptureOptions, ChooseFormatWriterAndLayout) {
  EXPECT_EQ(options_of({"-P"}).output.format, FileFormat::pcap);
  EXPECT_EQ(options_of({"-F", "nsecpcap"}).output.format, FileFormat::nsecpcap);
  const CaptureOptions options = options_of({"--writer", "mmap", "--layout", "compact", "-g", "--sync-interval", "7"});
  EXPECT_EQ(options.output.writer, Writer::mmap);
  EXPECT_EQ(options.output.layout, Layout::compact);
  EXPECT_TRUE(options.output.group_readable);
  EXPECT_EQ(options.output.sync_interval, 7s);
}

TEST(CaptureOptions, PlaceThreads) {
  const CaptureOptions options =
      options_of({"-i", "eth0", "--threads", "3", "--fanout", "qm", "--cpus", "1,4-5", "--one-file"});
  EXPECT_EQ(options.threads, 3);
  EXPECT_TRUE(options.one_file);
  EXPECT_EQ(options.fanout, FanoutMode::queue_mapping);
  EXPECT_THAT(options.cpus, ElementsAre(1, 4, 5));
}

TEST(CaptureOptions, PassDpdkItsArguments) {
  const CaptureOptions options =
      options_of({"-i", "dpdk:net_null0", "--eal", "-l 0 -n 2", "--no-huge", "--file-prefix", "x", "--mtu", "9000"});
  EXPECT_EQ(options.interfaces[0].open.dpdk.eal_arguments, "-l 0 -n 2");
  EXPECT_FALSE(options.interfaces[0].open.dpdk.huge_pages);
  EXPECT_EQ(options.interfaces[0].open.dpdk.file_prefix, "x");
  EXPECT_EQ(options.interfaces[0].open.dpdk.mtu, 9000);
}

TEST(CaptureOptions, HelpIsNoMistakeAndShowsAnExample) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(read_command_line({"--help"}).status, exit_done);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("ringtail capture -i eth0 -w out.pcapng"));
}

class CaptureOptionsMistake : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(CaptureOptionsMistake, IsToldOnOneLineWithStatus2) {
  const ReadCommandLine read = read_command_line(GetParam());
  EXPECT_EQ(read.status, exit_usage);
  EXPECT_THAT(read.told, StartsWith("ringtail: "));
  EXPECT_EQ(std::count(read.told.begin(), read.told.end(), '\n'), 1) << read.told;
}

using Words = std::vector<std::string>;
INSTANTIATE_TEST_SUITE_P(Values, CaptureOptionsMistake,
                         testing::Values(Words{"--no-such-option"}, Words{"-i"}, Words{"-i", ""}, Words{"-c", "0"},
                                         Words{"-c", "-1"}, Words{"-c", "1x"}, Words{"-s", "262145"}, Words{"-B", "0"},
                                         Words{"-y", "NOSUCH"}, Words{"-F", "erf"}, Words{"--writer", "fast"},
                                         Words{"--threads", "0"}, Words{"--fanout", "luck"}, Words{"--cpus", "3-1"},
                                         Words{"--numa", "west"}, Words{"--retire-timeout", "0"},
                                         Words{"--direction", "up"}, Words{"--time-stamp-type", "sundial"},
                                         Words{"-a", "sometime:5"}, Words{"-b", "filesize"}));

INSTANTIATE_TEST_SUITE_P(Combinations, CaptureOptionsMistake,
                         testing::Values(Words{"-w", "-", "--json", "-"}, Words{"-w", "-", "-b", "filesize:10"},
                                         Words{"-F", "pcap", "--layout", "dilate"},
                                         Words{"-P", "--capture-comment", "hello"}, Words{"-f", "tcp", "udp"},
                                         Words{"-i", "eth0", "-f", "tcp", "udp"}, Words{"--fanout", "hash"},
                                         Words{"-w", "-", "--threads", "2"}, Words{"-i", "file:x", "--threads", "2"},
                                         Words{"-b", "files:3"}, Words{"-b", "total:1000000"}, Words{"-a", "files:3"},
                                         Words{"-b", "filesize:1", "-b", "printname:-", "--json", "-"}));

}  // namespace
}  // namespace ringtail::tools
