// A publisher whose process may open no more files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture/test_publisher.hpp"
#include "share/address.hpp"
#include "share/message.hpp"

namespace ringtail::share {
namespace {

using testing::HasSubstr;

class OutOfDescriptors : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_.path() + "/test.sock"; }

  test::RunDirectory directory_;
};

// Whoever comes then is sent away: left waiting it would keep the publisher's descriptor readable, and its loop busy.
TEST_F(OutOfDescriptors, GuestsAreTurnedAwayAndLaterOnesAreNot) {
  auto publisher = Publisher::create({.name = "test", .geometry = test::small_geometry});
  ASSERT_TRUE(publisher) << publisher.error().message();
  const auto guest = connect_to(path(), "connect");
  const auto other = connect_to(path(), "connect");
  ASSERT_TRUE(guest && other);
  rlimit usual = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
  const base::FileDescriptor lowest_free(::dup(0));
  const rlimit none_left = {.rlim_cur = static_cast<rlim_t>(lowest_free.get()), .rlim_max = usual.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  publisher->serve();
  publisher->serve();
  pollfd readable = {.fd = publisher->pollable_descriptor(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&readable, 1, 0), 0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
  EXPECT_EQ(publisher->stats().refused, 2U);
  char byte = 0;
  EXPECT_EQ(::recv(guest->get(), &byte, 1, MSG_DONTWAIT), 0) << "the end of the connection";
  const auto later = connect_to(path(), "connect");
  publisher->serve();
  EXPECT_LT(::recv(later->get(), &byte, 1, MSG_DONTWAIT), 0) << "still connected";
}

TEST_F(OutOfDescriptors, AGuestForWhomThereIsNoMemoryIsToldSo) {
  auto publisher = Publisher::create({.name = "test", .geometry = test::small_geometry});
  ASSERT_TRUE(publisher) << publisher.error().message();
  const auto guest = connect_to(path(), "connect");
  ASSERT_TRUE(guest);
  const Hello hello;
  ASSERT_EQ(::send(guest->get(), &hello, sizeof hello, MSG_NOSIGNAL), static_cast<ssize_t>(sizeof hello));
  rlimit usual = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
  base::FileDescriptor lowest_free(::dup(0));
  const auto one_left = static_cast<rlim_t>(lowest_free.get()) + 1;
  lowest_free.close();
  const rlimit limit = {.rlim_cur = one_left, .rlim_max = usual.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  publisher->serve();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
  Welcome answer;
  ASSERT_EQ(::recv(guest->get(), &answer, sizeof answer, MSG_DONTWAIT), static_cast<ssize_t>(sizeof answer));
  EXPECT_THAT(answer.refusal, HasSubstr("Too many open files"));
  EXPECT_EQ(publisher->stats().refused, 1U);
}

}  // namespace
}  // namespace ringtail::share
