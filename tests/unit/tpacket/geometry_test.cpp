#include "tpacket/geometry.hpp"

#include <gtest/gtest.h>

namespace ringtail::tpacket {
namespace {

TEST(Geometry, DefaultsAreSixtyFourBlocksOfOneMebibyte) {
  const Geometry geometry = compute_geometry({}, 14).value();
  EXPECT_EQ(geometry.block_count, 64U);
  EXPECT_EQ(geometry.block_bytes, 1U << 20);
  EXPECT_EQ(geometry.carry_offset, 4096U);
  EXPECT_EQ(geometry.first_offset, 8192U);
  EXPECT_EQ(geometry.private_bytes, 8144U);
  EXPECT_EQ(geometry.captured_limit, 262140U);
}

TEST(Geometry, ReserveMakesPacketBytesFourAligned) {
  EXPECT_EQ(compute_geometry({}, 14)->reserve_bytes, 2U);
  EXPECT_EQ(compute_geometry({}, 0)->reserve_bytes, 0U);
  EXPECT_EQ(compute_geometry({}, 4)->reserve_bytes, 0U);
}

TEST(Geometry, SmallBlocksLimitWhatIsCaptured) {
  const Geometry geometry = compute_geometry({.buffer_bytes = 1 << 20, .block_bytes = 4096}, 14).value();
  EXPECT_EQ(geometry.first_offset, 48U);
  EXPECT_LT(geometry.captured_limit, 4096U - 48 - 98);
  EXPECT_EQ(geometry.captured_limit % 4, 0U);
}

TEST(Geometry, SnaplenIsTheLimitWhenItIsSmaller) {
  EXPECT_EQ(compute_geometry({.snaplen = 96}, 14)->captured_limit, 96U);
}

TEST(Geometry, RefusesTheImpossibleAndSaysWhatIsPossible) {
  const OpenOptions impossible[] = {
      {.block_bytes = 1000},
      {.block_bytes = 3 << 20},
      {.buffer_bytes = 1 << 20, .block_bytes = 1 << 20},
      {.block_bytes = std::size_t{1} << 30},
      {.retire_timeout = std::chrono::milliseconds(0)},
      {.retire_timeout = std::chrono::milliseconds(20'000)},
      {.batch_packets = 0},
      {.snaplen = 0},
      {.snaplen = 300'000},
  };
  for (const OpenOptions& options : impossible) {
    const auto geometry = compute_geometry(options, 14);
    ASSERT_FALSE(geometry.has_value());
    EXPECT_FALSE(geometry.error().remedy.empty()) << geometry.error().message();
  }
}

}  // namespace
}  // namespace ringtail::tpacket
