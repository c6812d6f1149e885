// How clients come and go.
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "fixture/test_publisher.hpp"
#include "unit/share/raw_client.hpp"

namespace ringtail::share {
namespace {

using namespace std::chrono_literals;

TEST(Arrival, WhoComesWhenTheQueueIsFullWaits) {
  const test::RunDirectory directory;
  const std::string path = directory.path() + "/test.sock";
  const base::FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);  // for one
  const auto first = connect_to(path, "connect");
  ASSERT_TRUE(first) << first.error().message();
  const auto hurried = connect_to(path, "connect", base::Deadline::after(0ns));
  ASSERT_FALSE(hurried);
  EXPECT_EQ(hurried.error().error_number, EAGAIN);
  std::thread host([&] {
    std::this_thread::sleep_for(20ms);
    base::FileDescriptor(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)).close();
  });
  const auto patient = connect_to(path, "connect");
  EXPECT_TRUE(patient) << patient.error().message();
  host.join();
}

// A child keeps its parent's end of the socket open.
TEST(Departure, ADeadClientsChildrenAreNoClients) {
  const test::RunDirectory directory;
  const std::string path = directory.path() + "/test.sock";
  int go[2];
  int attached[2];
  ASSERT_EQ(::pipe2(go, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(attached, O_CLOEXEC), 0);
  const pid_t parent = ::fork();  // before there are threads
  if (parent == 0) {
    char byte = 0;
    (void)!::read(go[0], &byte, 1);
    const auto client = RawClient::attach(path);
    const pid_t child = client ? ::fork() : -1;
    if (child != 0) (void)!::write(attached[1], &child, sizeof child);
    for (;;) ::pause();
  }
  test::TestPublisher publisher;
  ASSERT_EQ(::write(go[1], "", 1), 1);
  pid_t child = -1;
  ASSERT_EQ(::read(attached[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  EXPECT_GT(child, 0);
  EXPECT_EQ(publisher.stats().clients, 1U);
  ::kill(parent, SIGKILL);
  EXPECT_EQ(::waitpid(parent, nullptr, 0), parent);
  const auto start = std::chrono::steady_clock::now();
  while (publisher.stats().clients != 0 && std::chrono::steady_clock::now() - start < test::patience) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(publisher.stats().clients, 0U);
  if (child > 0) ::kill(child, SIGKILL);
  for (const int descriptor : {go[0], go[1], attached[0], attached[1]}) ::close(descriptor);
}

}  // namespace
}  // namespace ringtail::share
