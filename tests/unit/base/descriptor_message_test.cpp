#include "base/descriptor_message.hpp"

#include <array>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringtail::base {
namespace {

class DescriptorMessage : public testing::Test {
 protected:
  DescriptorMessage() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    left_ = FileDescriptor(ends[0]);
    right_ = FileDescriptor(ends[1]);
    EXPECT_EQ(::pipe2(pipe_, O_CLOEXEC), 0);
  }
  ~DescriptorMessage() override {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }
  std::string receive() {
    const ssize_t got = receive_with_descriptors(right_.get(), std::as_writable_bytes(std::span(buffer_)),
                                                 std::span(&received_, 1), count_);
    return got < 0 ? "error" : std::string(buffer_.data(), static_cast<std::size_t>(got));
  }
  ssize_t send(std::string_view text, std::span<const int> descriptors) {
    return send_with_descriptors(left_.get(), std::as_bytes(std::span(text)), descriptors);
  }
  bool received_is(int descriptor) const {
    struct stat one {};
    struct stat other {};
    return received_.is_open() && ::fstat(received_.get(), &one) == 0 && ::fstat(descriptor, &other) == 0 &&
           one.st_ino == other.st_ino;
  }

  FileDescriptor left_;
  FileDescriptor right_;
  FileDescriptor received_;
  std::size_t count_ = 0;
  int pipe_[2] = {-1, -1};
  std::array<char, 64> buffer_{};
};

TEST_F(DescriptorMessage, ComesWithTheBytes) {
  ASSERT_EQ(send("hello", {&pipe_[1], 1}), 5);
  EXPECT_EQ(receive(), "hello");
  EXPECT_TRUE(received_is(pipe_[1]));
  EXPECT_NE(::fcntl(received_.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(DescriptorMessage, StaysWhenBytesComeWithout) {
  ASSERT_EQ(send("one", {&pipe_[1], 1}), 3);
  EXPECT_EQ(receive(), "one");
  ASSERT_EQ(send("two", {}), 3);
  EXPECT_EQ(receive(), "two");
  EXPECT_EQ(count_, 0U);
  EXPECT_TRUE(received_is(pipe_[1]));
}

TEST_F(DescriptorMessage, BringsSeveralInOrder) {
  ASSERT_EQ(send("x", pipe_), 1);
  std::array<FileDescriptor, 2> both;
  std::byte byte{};
  ASSERT_EQ(receive_with_descriptors(right_.get(), {&byte, 1}, both, count_), 1);
  EXPECT_EQ(count_, 2U);
  received_ = std::move(both[1]);
  EXPECT_TRUE(received_is(pipe_[1]));
  EXPECT_EQ(::fcntl(both[0].get(), F_GETFL) & O_ACCMODE, O_RDONLY);
}

TEST_F(DescriptorMessage, IsNotMoreThanThereIsRoomFor) {
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
}  // namespace ringtail::base
