#include "output_path.hpp"

#include <gmock/gmock.h>

namespace ringtail::tools {
namespace {

using testing::MatchesRegex;

TEST(PathOfThread, NumberStandsBeforeTheExtension) {
  EXPECT_EQ(path_of_thread("out.pcapng", 0), "out.0.pcapng");
  EXPECT_EQ(path_of_thread("/a.b/out.pcap", 12), "/a.b/out.12.pcap");
}

TEST(PathOfThread, NumberStandsAtTheEndWhereThereIsNoExtension) {
  EXPECT_EQ(path_of_thread("out", 1), "out.1");
  EXPECT_EQ(path_of_thread("/a.b/out", 1), "/a.b/out.1");
  EXPECT_EQ(path_of_thread(".hidden", 1), ".hidden.1");
  EXPECT_EQ(path_of_thread("/a/.hidden", 1), "/a/.hidden.1");
}

TEST(TemporaryPath, SaysWhatWhenAndIsNew) {
  const std::string path = temporary_path("/some/where", "eth0", FileFormat::pcapng);
  EXPECT_THAT(path, MatchesRegex("/some/where/ringtail_eth0_[0-9]{14}_[A-Za-z0-9]{6}\\.pcapng"));
  EXPECT_NE(path, temporary_path("/some/where", "eth0", FileFormat::pcapng));
}

TEST(TemporaryPath, StaysInItsDirectoryWhateverIsCaptured) {
  EXPECT_THAT(temporary_path("/t", "file:/a/../b c.pcap", FileFormat::pcap),
              MatchesRegex("/t/ringtail_b_c\\.pcap_[0-9]+_[A-Za-z0-9]+\\.pcap"));
  EXPECT_THAT(temporary_path("/t", "dpdk:net_tap0,iface=x", FileFormat::nsecpcap),
              MatchesRegex("/t/ringtail_dpdk_net_tap0_iface_x_[0-9]+_[A-Za-z0-9]+\\.pcap"));
}

}  // namespace
}  // namespace ringtail::tools
