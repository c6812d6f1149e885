#include "control/line_buffer.hpp"

#include <gtest/gtest.h>

namespace ringtail::control {
namespace {

TEST(LineBuffer, PutsPiecesTogether) {
  LineBuffer lines(10);
  EXPECT_TRUE(lines.add("one\ntw"));
  EXPECT_EQ(lines.next(), "one");
  EXPECT_EQ(lines.next(), std::nullopt);
  EXPECT_TRUE(lines.add("o\n\n"));
  EXPECT_EQ(lines.next(), "two");
  EXPECT_EQ(lines.next(), "");
  EXPECT_EQ(lines.next(), std::nullopt);
}

TEST(LineBuffer, RefusesALineThatIsTooLong) {
  LineBuffer whole(4);
  EXPECT_FALSE(whole.add("12345\n"));
  LineBuffer pieces(4);
  EXPECT_TRUE(pieces.add("1234"));
  EXPECT_FALSE(pieces.add("5"));
  LineBuffer later(4);
  EXPECT_FALSE(later.add("1\n12345"));
}

}  // namespace
}  // namespace ringtail::control
