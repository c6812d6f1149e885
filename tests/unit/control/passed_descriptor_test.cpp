#include "control/passed_descriptor.hpp"

#include <array>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringtail::control {
namespace {

class PassedDescriptor : public testing::Test {
 protected:
  PassedDescriptor() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    left_ = base::FileDescriptor(ends[0]);
    right_ = base::FileDescriptor(ends[1]);
    EXPECT_EQ(::pipe2(pipe_, O_CLOEXEC), 0);
  }
  ~PassedDescriptor() override {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }
  std::string receive() {
    const ssize_t got = receive_with_descriptor(right_.get(), buffer_, received_);
    return got < 0 ? "error" : std::string(buffer_.data(), static_cast<std::size_t>(got));
  }
  bool received_is(int descriptor) const {
    struct stat one {};
    struct stat other {};
    return received_.is_open() && ::fstat(received_.get(), &one) == 0 && ::fstat(descriptor, &other) == 0 &&
           one.st_ino == other.st_ino;
  }

  base::FileDescriptor left_;
  base::FileDescriptor right_;
  base::FileDescriptor received_;
  int pipe_[2] = {-1, -1};
  std::array<char, 64> buffer_{};
};

TEST_F(PassedDescriptor, ComesWithTheBytes) {
  ASSERT_EQ(send_with_descriptor(left_.get(), "hello", pipe_[1]), 5);
  EXPECT_EQ(receive(), "hello");
  EXPECT_TRUE(received_is(pipe_[1]));
  EXPECT_NE(::fcntl(received_.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(PassedDescriptor, StaysWhenBytesComeWithout) {
  ASSERT_EQ(send_with_descriptor(left_.get(), "one", pipe_[1]), 3);
  EXPECT_EQ(receive(), "one");
  ASSERT_EQ(send_with_descriptor(left_.get(), "two", -1), 3);
  EXPECT_EQ(receive(), "two");
  EXPECT_TRUE(received_is(pipe_[1]));
}

TEST_F(PassedDescriptor, IsOneAtMost) {
  const auto open_files = [] {
    int count = 0;
    for (int number = 0; number < 256; ++number) count += ::fcntl(number, F_GETFD) >= 0 ? 1 : 0;
    return count;
  };
  const int before = open_files();
  alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
  char byte = 'x';
  iovec data = {.iov_base = &byte, .iov_len = 1};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(8 * sizeof(int));
  std::array<int, 8> many{};
  many.fill(pipe_[0]);
  std::memcpy(CMSG_DATA(header), many.data(), sizeof many);
  ASSERT_EQ(::sendmsg(left_.get(), &message, 0), 1);
  EXPECT_EQ(receive(), "x");
  EXPECT_TRUE(received_is(pipe_[0]));
  EXPECT_EQ(open_files(), before + 1);
}

}  // namespace
}  // namespace ringtail::control
