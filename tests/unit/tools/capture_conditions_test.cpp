#include "capture_conditions.hpp"

#include <gtest/gtest.h>

namespace ringtail::tools {
namespace {

using namespace std::chrono_literals;

CaptureOptions with_conditions(const std::vector<std::string>& stops, const std::vector<std::string>& rings) {
  CaptureOptions options;
  for (const std::string& text : stops) EXPECT_TRUE(add_stop_condition(text, options).has_value()) << text;
  for (const std::string& text : rings) {
    EXPECT_TRUE(add_ring_condition(text, options.output.rotation).has_value()) << text;
  }
  settle_conditions(options);
  return options;
}

TEST(StopConditions, AreReadWithTheirUnits) {
  const CaptureOptions options = with_conditions({"duration:1.5", "filesize:20", "packets:7"}, {});
  EXPECT_EQ(options.stop_after_duration, 1500ms);
  EXPECT_EQ(options.output.stop_after_file_bytes, 20'000U);
  EXPECT_EQ(options.stop_after_packets, 7U);
  EXPECT_FALSE(options.output.rotation.is_on());
}

TEST(RingConditions, AreReadWithTheirUnits) {
  const Rotation rotation = with_conditions({}, {"duration:0.25", "interval:3600", "filesize:3", "packets:9", "files:4",
                                                 "total:5000", "free:12.5", "printname:names.txt"})
                                .output.rotation;
  EXPECT_EQ(rotation.duration, 250ms);
  EXPECT_EQ(rotation.interval, 1h);
  EXPECT_EQ(rotation.file_bytes, 3000U);
  EXPECT_EQ(rotation.file_packets, 9U);
  EXPECT_EQ(rotation.keep_files, 4U);
  EXPECT_EQ(rotation.keep_bytes, 5000U);
  EXPECT_EQ(rotation.keep_free_percent, 12.5);
  EXPECT_EQ(rotation.print_names_to, "names.txt");
}

TEST(RingConditions, NamesGoToStandardOutputByEitherName) {
  EXPECT_EQ(with_conditions({}, {"printname:stdout"}).output.rotation.print_names_to, "-");
  EXPECT_EQ(with_conditions({}, {"printname:-"}).output.rotation.print_names_to, "-");
}

TEST(StopConditions, FileSizeIsWhenToSwitchWhereThereAreSeveralFiles) {
  const CaptureOptions options = with_conditions({"filesize:20", "files:3"}, {});
  EXPECT_EQ(options.output.rotation.file_bytes, 20'000U);
  EXPECT_EQ(options.output.stop_after_files, 3U);
  EXPECT_EQ(options.output.stop_after_file_bytes, std::nullopt);
}

TEST(StopConditions, FileSizeOfTheRingWins) {
  const CaptureOptions options = with_conditions({"filesize:20"}, {"filesize:30"});
  EXPECT_EQ(options.output.rotation.file_bytes, 30'000U);
  EXPECT_EQ(options.output.stop_after_file_bytes, std::nullopt);
}

TEST(Conditions, AreRefusedWhenTheyAreNone) {
  CaptureOptions options;
  for (const char* text : {"", "duration", "duration:", "duration:0", "duration:-1", "duration:1s", "duration:nan",
                           "filesize:0", "filesize:1.5", "files:0", "packets:x", "packets:99999999999999999999",
                           "filesize:9223372036854775807", "interval:5"}) {
    const auto added = add_stop_condition(text, options);
    ASSERT_FALSE(added.has_value()) << text;
    EXPECT_TRUE(added.error().bad_usage) << text;
  }
  for (const char* text : {"printname:", "free:0", "free:101", "total:-5", "interval:0", "interval:1.5", "count:3"}) {
    EXPECT_FALSE(add_ring_condition(text, options.output.rotation).has_value()) << text;
  }
}

}  // namespace
}  // namespace ringtail::tools
