#include <cerrno>
#include <gtest/gtest.h>

#include <ringtail/error.hpp>

namespace ringtail {
namespace {

TEST(Error, MessageNamesOperationReasonErrnoTextAndRemedy) {
  const Error error = system_error("open eth7", ENODEV, "interface eth7", "list shows what there is");
  EXPECT_EQ(error.message(), "open eth7: interface eth7: No such device; list shows what there is");
  EXPECT_EQ(error.error_number, ENODEV);
  EXPECT_FALSE(error.bad_usage);
}

TEST(Error, MessageWithoutRemedyHasNoSemicolon) {
  EXPECT_EQ(make_error("read file", "it is empty").message(), "read file: it is empty");
}

TEST(Error, UsageErrorsAreMarked) {
  EXPECT_TRUE(usage_error("-F pcap", "needs one link type").bad_usage);
}

}  // namespace
}  // namespace ringtail
