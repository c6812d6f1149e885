#include "values.hpp"

#include <gmock/gmock.h>

#include <ringtail/interface.hpp>

#include "link_types.hpp"

namespace ringtail::tools {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(WholeNumber, KeepsItsBounds) {
  EXPECT_EQ(parse_whole("-c", "1").value(), 1U);
  EXPECT_EQ(parse_whole("-s", "0", 0, 5).value(), 0U);
  EXPECT_EQ(parse_whole("-s", "5", 0, 5).value(), 5U);
  for (const char* text : {"", "6", "-1", "+1", "1 ", " 1", "0x1", "1.0", "18446744073709551616"}) {
    EXPECT_FALSE(parse_whole("-s", text, 0, 5).has_value()) << text;
  }
}

TEST(WholeNumber, ErrorNamesOptionValueAndBounds) {
  const Error error = parse_whole("-c", "ten", 1, 9).error();
  EXPECT_EQ(error.message(), "-c: 'ten' is not a whole number from 1 to 9");
  EXPECT_TRUE(error.bad_usage);
}

TEST(Seconds, MayHaveDecimals) {
  EXPECT_EQ(parse_seconds("-a", "60").value(), 60s);
  EXPECT_EQ(parse_seconds("-a", "0.001").value(), 1ms);
  for (const char* text : {"", "0", "-1", "nan", "inf", "1e300", "1s"}) {
    EXPECT_FALSE(parse_seconds("-a", text).has_value()) << text;
  }
}

TEST(Duration, IsWrittenAsDumpcapHasIt) {
  EXPECT_EQ(parse_duration("-a", "duration:2").value(), 2s);
  EXPECT_FALSE(parse_duration("-a", "2").has_value());
  EXPECT_FALSE(parse_duration("-a", "packets:2").has_value());
}

TEST(LinkType, HasTheNamesOfLibpcap) {
  EXPECT_EQ(link_type_name(link_type::ethernet), "EN10MB");
  EXPECT_EQ(link_type_description(link_type::ethernet), "Ethernet");
  EXPECT_EQ(link_type_name(65000), "LINKTYPE_65000");
}

TEST(LinkType, IsReadByNameInAnyCaseOrByNumber) {
  EXPECT_EQ(parse_link_type("en10mb").value(), link_type::ethernet);
  EXPECT_EQ(parse_link_type("RAW").value(), link_type::raw_ip);
  EXPECT_EQ(parse_link_type("276").value(), link_type::linux_sll2);
  EXPECT_THAT(parse_link_type("token ring").error().message(), HasSubstr("-L"));
}

}  // namespace
}  // namespace ringtail::tools
