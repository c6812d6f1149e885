#include "privileges.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringtail::tools {
namespace {

TEST(Become, WhoOneIsAlreadyChangesNothing) {
  EXPECT_TRUE(become({.name = "me", .uid = getuid(), .gid = getgid()}).has_value());
}

TEST(Become, NobodyIsForGood) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto nobody = base::find_user("nobody");
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
