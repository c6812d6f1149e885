#include "store/name_template.hpp"

#include <gmock/gmock.h>

namespace ringtail::store {
namespace {

constexpr const char* default_template = "{capture}_{sequence}_%Y%m%dT%H%M%S.pcapng";

NameTemplate parse(const std::string& text) {
  return NameTemplate::parse(text, "up.link", "eth0+eth1").value();
}

TEST(NameTemplate, FillsItsFields) {
  EXPECT_THAT(parse(default_template).name(42, 1'000'000'000), testing::MatchesRegex("up.link_00042_2001.*\\.pcapng"));
  EXPECT_EQ(parse("{interface}-{sequence}-%%").name(123'456, 0), "eth0+eth1-123456-%");
}

TEST(NameTemplate, RecognisesWhatItMade) {
  for (const char* text : {default_template, "%A {sequence} (%e)", "{sequence}", "{interface}%j-{sequence}x",
                           "%-d.%Od.%3Y_{sequence}%%", "%Y%m%d {sequence}-%s", "2{sequence}3_%Y"}) {
    const NameTemplate names = parse(text);
    EXPECT_EQ(names.sequence_of(names.name(1'234'567, std::time(nullptr))), 1'234'567U) << text;
  }
}

TEST(NameTemplate, RecognisesNumbersOfAllLengths) {
  const NameTemplate names = parse("{sequence}_%Y");
  EXPECT_EQ(names.sequence_of("999999999999999999_2026"), 999'999'999'999'999'999U);
  for (const char* name : {"1000000000000000000_2026", "0042_2026", "00042_", "00042", "_2026", "x00042_2026"}) {
    EXPECT_EQ(names.sequence_of(name), std::nullopt) << name;
  }
}

// Whoever tries all ways to match these, one after the other, is at it for hours.
TEST(NameTemplate, IsNotKeptBusyByPlantedNames) {
  const NameTemplate names = parse(default_template);
  EXPECT_EQ(names.sequence_of("up.link_00001_" + std::string(185, 'T')), std::nullopt);
  EXPECT_EQ(names.sequence_of("up.link_" + std::string(190, '0')), std::nullopt);
  EXPECT_EQ(names.sequence_of(std::string(200, '_')), std::nullopt);
}

TEST(NameTemplate, LeavesOtherNamesAlone) {
  const NameTemplate names = parse(default_template);
  for (const char* name : {"", "upXlink_00042_20260101T000000.pcapng", "up.link_00042_20260101T000000.pcapng.gz",
                           "up.link_42_20260101T000000.pcapng", "other_00042_20260101T000000.pcapng"}) {
    EXPECT_EQ(names.sequence_of(name), std::nullopt) << name;
  }
}

TEST(NameTemplate, RefusesWhatMakesNoGoodNames) {
  for (const char* text : {"", "all.pcapng", "{sequence}/x", "{sequence}_{host}", ".{sequence}", "%D{sequence}",
                           "%Y%m%d{sequence}", "%Y0{sequence}", "{sequence}%H", "{sequence}1%H"}) {
    EXPECT_FALSE(NameTemplate::parse(text, "a", "b").has_value()) << text;
  }
  EXPECT_FALSE(NameTemplate::parse("{sequence}" + std::string(300, 'x'), "a", "b").has_value());
}

TEST(NameTemplate, KeepsDirectoriesOutOfFields) {
  const auto names = NameTemplate::parse("{interface}_{sequence}", "a", "a/b%Y").value();
  EXPECT_EQ(names.name(1, 0), "a_b%Y_00001");
  EXPECT_FALSE(NameTemplate::parse("{interface}_{sequence}", "a", "../b").has_value());
}

}  // namespace
}  // namespace ringtail::store
