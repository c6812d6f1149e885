#include "privileges.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringtail::tools {
namespace {

using testing::HasSubstr;

TEST(FindUser, SaysWhoIsMissing) {
  const auto user = find_user("nobody-of-this-name");
  ASSERT_FALSE(user.has_value());
  EXPECT_THAT(user.error().message(), HasSubstr("nobody-of-this-name"));
}

TEST(Become, WhoOneIsAlreadyChangesNothing) {
  EXPECT_TRUE(become({.name = "me", .uid = getuid(), .gid = getgid()}).has_value());
}

TEST(Become, NobodyIsForGood) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto nobody = find_user("nobody");
  ASSERT_TRUE(nobody.has_value());
  const pid_t child = fork();  // the change cannot be taken back, so it is made in a child
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool became = become(*nobody).has_value();
    const bool is_nobody = getuid() == nobody->uid && getegid() == nobody->gid;
    const bool for_good = setuid(0) != 0 && setgid(0) != 0;
    _exit(became && is_nobody && for_good ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace ringtail::tools
