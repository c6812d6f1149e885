// Who talks to the control sockets, and for how long.
#include "control_server.hpp"

#include <filesystem>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "control/socket_path.hpp"

namespace ringtail::daemon {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class ControlServerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string made = testing::TempDir() + "ringtail-control-XXXXXX";
    ASSERT_NE(::mkdtemp(made.data()), nullptr);
    directory_ = made;
    const auto listening = server_.listen(directory_, "test");
    ASSERT_TRUE(listening) << listening.error().message();
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] base::FileDescriptor connect(const std::string& words) const {
    base::FileDescriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = control::socket_address(control::socket_path(directory_, "test")).value();
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::send(client.get(), words.data(), words.size(), MSG_NOSIGNAL), static_cast<ssize_t>(words.size()));
    return client;
  }
  void serve() {
    std::vector<pollfd> descriptors;
    server_.add_to(descriptors);
    ASSERT_GE(::poll(descriptors.data(), descriptors.size(), 0), 0);
    server_.serve(descriptors);
  }
  static bool is_connected(const base::FileDescriptor& client) {
    char byte = 0;
    return ::recv(client.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) != 0;
  }

  std::string directory_;
  std::vector<Question> questions_;
  ControlServer server_{[this](const Question& question) { questions_.push_back(question); }, [](Attachment) {}, 1ms};
};

TEST_F(ControlServerTest, WhoAsksNothingIsHungUpOnAndWhoWaitsForAnAnswerIsNot) {
  const auto idle = connect("");
  const auto half = connect(R"({"version":1,"oper)");
  const auto waiting = connect(R"({"version":1,"operation":"stat"})"
                               "\n");
  serve();  // lets them in
  serve();  // hears them
  ASSERT_EQ(questions_.size(), 1U);
  std::this_thread::sleep_for(5ms);
  serve();
  EXPECT_FALSE(is_connected(idle));
  EXPECT_FALSE(is_connected(half));
  ASSERT_TRUE(is_connected(waiting));
  server_.answer(questions_[0].client, {});
  serve();
  char bytes[1000];
  const ssize_t got = ::recv(waiting.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  ASSERT_GT(got, 0);
  EXPECT_THAT(std::string(bytes, static_cast<std::size_t>(got)), HasSubstr(R"("ok":true)"));
  std::this_thread::sleep_for(5ms);
  serve();
  EXPECT_FALSE(is_connected(waiting));
}

}  // namespace
}  // namespace ringtail::daemon
