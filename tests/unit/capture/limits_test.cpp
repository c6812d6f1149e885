// What threads can no longer do. Nothing gives it back to them, so all of it is tried in children.
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "landlock.hpp"
#include "system_calls.hpp"

namespace ringtail::daemon {
namespace {

/// What `attempts` returns in a child that has no_new_privs: 0, or the number of the one that went wrong.
int in_child(const std::function<int()>& attempts) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::_exit(attempts());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int error_of(long result) {
  return result < 0 ? errno : 0;
}

int try_calls(ThreadRole role, int error_of_packet_socket) {
  if (!limit_system_calls(role)) return 1;
  if (error_of(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) != error_of_packet_socket) return 2;
  if (error_of(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) != 0) return 3;
  for (const int kind : {CLONE_NEWNET, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNS}) {
    if (error_of(::syscall(SYS_clone, kind | SIGCHLD, nullptr, nullptr, nullptr, nullptr)) != EPERM) return 4;
  }
  if (error_of(::syscall(SYS_clone3, nullptr, 0)) != ENOSYS) return 5;
  if (error_of(::unshare(CLONE_NEWNET)) != EPERM) return 6;
  return 0;
}

TEST(Limits, MostThreadsMakeNoPacketSocketsAndNoNamespaces) {
  EXPECT_EQ(in_child([] { return try_calls(ThreadRole::other, EPERM); }), 0);
}

TEST(Limits, TheOpenerMakesPacketSocketsAndNoNamespaces) {
  if (error_of(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) != 0) GTEST_SKIP() << "packet sockets need a privilege";
  EXPECT_EQ(in_child([] { return try_calls(ThreadRole::opener, 0); }), 0);
}

class LandlockTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string made = testing::TempDir() + "ringtail-limits-XXXXXX";
    ASSERT_NE(::mkdtemp(made.data()), nullptr);
    path_ = made;
    std::filesystem::create_directory(path_ + "/inside");
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  [[nodiscard]] int create(const std::string& name) const {
    return error_of(::open((path_ + "/" + name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  }

  std::string path_;
};

TEST_F(LandlockTest, LeavesOneDirectoryToBeWrittenTo) {
  if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) < 0) {
    GTEST_SKIP() << "this kernel has no Landlock";
  }
  const auto attempts = [this] {
    if (create("before") != 0) return 1;
    if (!limit_writing({path_ + "/inside"})) return 2;
    if (create("inside/after") != 0) return 3;
    if (create("after") != EACCES || create("before") != EACCES) return 4;
    return error_of(::unlink((path_ + "/before").c_str())) == EACCES ? 0 : 5;
  };
  EXPECT_EQ(in_child(attempts), 0);
}

TEST_F(LandlockTest, DoesWithoutWhereAContainerForbidsIt) {
  const auto attempts = [this] {
    scmp_filter_ctx container = ::seccomp_init(SCMP_ACT_ALLOW);
    if (::seccomp_rule_add(container, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(landlock_create_ruleset), 0) != 0) return 1;
    if (::seccomp_load(container) != 0) return 2;
    if (!limit_writing({path_ + "/inside"})) return 3;
    return create("after");
  };
  EXPECT_EQ(in_child(attempts), 0);
}

}  // namespace
}  // namespace ringtail::daemon
