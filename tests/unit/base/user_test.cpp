#include "base/user.hpp"

#include <gmock/gmock.h>

namespace ringtail::base {
namespace {

using testing::HasSubstr;

TEST(FindUser, SaysWhoIsMissing) {
  const auto user = find_user("nobody-of-this-name");
  ASSERT_FALSE(user.has_value());
  EXPECT_THAT(user.error().message(), HasSubstr("nobody-of-this-name"));
}

}  // namespace
}  // namespace ringtail::base
