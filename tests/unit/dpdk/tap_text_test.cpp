#include "dpdk/tap_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtail::dpdk {
namespace {

TEST(TapText, APrefixAndAPort) {
  const auto tap = parse_tap_text("pdump:web/net_memif0");
  ASSERT_TRUE(tap);
  EXPECT_EQ(tap->file_prefix, "web");
  EXPECT_EQ(tap->port, "net_memif0");
  EXPECT_EQ(parse_tap_text("pdump:web/0000:03:00.0")->port, "0000:03:00.0");
  EXPECT_EQ(parse_tap_text("pdump:/1")->file_prefix, "rte") << "DPDK's own default";
}

TEST(TapText, DevicesAreNoTaps) {
  EXPECT_TRUE(is_tap_text("pdump:rte/0"));
  EXPECT_FALSE(is_tap_text("net_pcap0,iface=eth0"));
  EXPECT_FALSE(is_tap_text("0000:03:00.0"));
}

TEST(TapText, AnythingElseIsAUsageError) {
  for (const char* text : {"pdump:", "pdump:web", "pdump:web/", "pdump:../../etc/0", "pdump:../0", "pdump:a/b/0"}) {
    const auto tap = parse_tap_text(text);
    ASSERT_FALSE(tap) << text;
    EXPECT_TRUE(tap.error().bad_usage) << text;
    EXPECT_THAT(tap.error().message(), testing::HasSubstr("dpdk:pdump:rte/0")) << text;
  }
}

}  // namespace
}  // namespace ringtail::dpdk
