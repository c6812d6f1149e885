#include "bench/traffic.hpp"

#include <gmock/gmock.h>
#include <map>

namespace ringtail::bench {
namespace {

TEST(Traffic, OfOneSizeHasNoOther) {
  const auto traffic = Traffic::parse("512");
  ASSERT_TRUE(traffic);
  EXPECT_EQ(traffic->name(), "512");
  EXPECT_EQ(traffic->mean_frame_bytes(), 512);
  for (const Frame& frame : traffic->frames()) EXPECT_EQ(frame.size(), 512U);
}

TEST(Traffic, OfTheInternetIsSevenToFourToOne) {
  const auto traffic = Traffic::parse("mix");
  ASSERT_TRUE(traffic);
  std::map<std::size_t, std::size_t> frames;
  for (const Frame& frame : traffic->frames()) ++frames[frame.size()];
  EXPECT_THAT(frames, testing::ElementsAre(testing::Pair(64, 700), testing::Pair(594, 400), testing::Pair(1514, 100)));
}

TEST(Traffic, RefusesSizesThatNoFrameHas) {
  for (const char* name : {"", "59", "9001", "64x", "-64", "many"}) {
    const auto traffic = Traffic::parse(name);
    ASSERT_FALSE(traffic) << name;
    EXPECT_TRUE(traffic.error().bad_usage);
  }
}

TEST(Traffic, IsValidIPv4) {
  const auto traffic = Traffic::parse("mix");
  ASSERT_TRUE(traffic);
  for (const Frame& frame : traffic->frames()) {
    unsigned sum = 0;  // of the header, its own checksum included: all ones (RFC 1071)
    for (std::size_t at = 14; at < 34; at += 2) {
      sum += (std::to_integer<unsigned>(frame[at]) << 8) + std::to_integer<unsigned>(frame[at + 1]);
    }
    ASSERT_EQ((sum & 0xffff) + (sum >> 16), 0xffffU);
    const unsigned length = (std::to_integer<unsigned>(frame[16]) << 8) + std::to_integer<unsigned>(frame[17]);
    ASSERT_EQ(length, frame.size() - 14);
  }
}

}  // namespace
}  // namespace ringtail::bench
