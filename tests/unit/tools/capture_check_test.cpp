#include <gmock/gmock.h>

#include "capture_options.hpp"

namespace ringtail::tools {
namespace {

using testing::HasSubstr;

TEST(Contradiction, IsNoneInAnOrdinaryCapture) {
  CaptureOptions options;
  options.output.path = "-";
  options.json_path = "summary.json";
  EXPECT_EQ(find_contradiction(options), std::nullopt);
}

TEST(Contradiction, NamesBothSidesAndARemedy) {
  CaptureOptions options;
  options.output.path = "-";
  options.json_path = "-";
  const auto error = find_contradiction(options);
  ASSERT_TRUE(error.has_value());
  EXPECT_TRUE(error->bad_usage);
  EXPECT_THAT(error->message(), HasSubstr("--json -"));
  EXPECT_THAT(error->message(), HasSubstr("-w -"));
  EXPECT_FALSE(error->remedy.empty());
}

TEST(Contradiction, IsNotLookedForWhenNothingIsRecorded) {
  CaptureOptions options;
  options.mode = CaptureMode::list_interfaces;
  options.fanout = FanoutMode::cpu;
  EXPECT_EQ(find_contradiction(options), std::nullopt);
}

TEST(Contradiction, ThreadsAreForNetworkInterfaces) {
  CaptureOptions options;
  options.threads = 2;
  options.interfaces = {{"eth0", {}}, {"any", {}}};
  EXPECT_EQ(find_contradiction(options), std::nullopt);
  options.interfaces.push_back({"file:x.pcapng", {}});
  EXPECT_THAT(find_contradiction(options)->message(), HasSubstr("file:x.pcapng"));
}

TEST(Contradiction, StandardOutputTakesSeveralThreadsAsOneFileOnly) {
  CaptureOptions options;
  options.threads = 2;
  options.output.path = "-";
  EXPECT_THAT(find_contradiction(options)->message(), HasSubstr("--one-file"));
  options.one_file = true;
  EXPECT_EQ(find_contradiction(options), std::nullopt);
}

}  // namespace
}  // namespace ringtail::tools
