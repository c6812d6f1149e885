#include "control/server_socket.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/client.hpp"
#include "control/peer.hpp"
#include "control/socket_path.hpp"

namespace ringtail::control {
namespace {

using testing::HasSubstr;

class ServerSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string made = testing::TempDir() + "ringtail-control-XXXXXX";
    ASSERT_NE(::mkdtemp(made.data()), nullptr);
    directory_ = made;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string path() const { return socket_path(directory_, "eth0"); }

  std::string directory_;
};

TEST_F(ServerSocketTest, AClientIsWhoTheKernelSays) {
  auto server = ServerSocket::listen(path()).value();
  EXPECT_FALSE(server.accept().has_value());
  const auto client = Client::connect(directory_, "eth0");
  ASSERT_TRUE(client.has_value());
  const auto accepted = server.accept();
  ASSERT_TRUE(accepted.has_value());
  const auto peer = peer_of(accepted->get());
  ASSERT_TRUE(peer.has_value());
  EXPECT_EQ(peer->uid, ::getuid());
  EXPECT_EQ(peer->pid, ::getpid());
  EXPECT_TRUE(peer->is_in_group(::getgid()));
}

TEST_F(ServerSocketTest, ALiveNameIsRefused) {
  const auto server = ServerSocket::listen(path()).value();
  const auto second = ServerSocket::listen(path());
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error().message(), HasSubstr("live"));
}

TEST_F(ServerSocketTest, AStaleSocketIsReplaced) {
  const auto address = socket_address(path()).value();
  const base::FileDescriptor dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_FALSE(Client::connect(directory_, "eth0").has_value());
  const auto server = ServerSocket::listen(path());
  ASSERT_TRUE(server.has_value());
  EXPECT_TRUE(Client::connect(directory_, "eth0").has_value());
}

TEST_F(ServerSocketTest, SomethingElseUnderTheNameIsLeftAlone) {
  std::ofstream(path()) << "precious";
  EXPECT_FALSE(ServerSocket::listen(path()).has_value());
  EXPECT_EQ(std::filesystem::file_size(path()), 8U);
}

TEST_F(ServerSocketTest, LeavesNothingBehind) {
  { const auto server = ServerSocket::listen(path()).value(); }
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(ServerSocketTest, CapturesAreListedByTheirSockets) {
  const auto server = ServerSocket::listen(path()).value();
  const auto other = ServerSocket::listen(socket_path(directory_, "b.2")).value();
  EXPECT_THAT(list_captures(directory_).value(), testing::ElementsAre("b.2", "eth0"));
  EXPECT_THAT(list_captures(directory_ + "/none").value(), testing::IsEmpty());
}

TEST(SocketPath, NamesAreFileNames) {
  for (const char* name : {"eth0", "up-link_2.5"}) EXPECT_TRUE(is_capture_name(name)) << name;
  for (const char* name : {"", ".", "..", ".x", "a/b", "a b", "\xc3\xa4"}) EXPECT_FALSE(is_capture_name(name)) << name;
  EXPECT_FALSE(is_capture_name(std::string(65, 'a')));
  EXPECT_FALSE(socket_address("/" + std::string(200, 'a')).has_value());
}

}  // namespace
}  // namespace ringtail::control
