// A publisher whose guests connect elsewhere, as a daemon's do.
#include <atomic>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <thread>

#include "fixture/test_publisher.hpp"
#include "share/message.hpp"
#include "share/publisher.hpp"

namespace ringtail::share {
namespace {

TEST(Welcome, ConnectionsMayComeFromSomewhereElse) {
  auto publisher = Publisher::create({.name = "elsewhere", .geometry = test::small_geometry, .listens = false});
  ASSERT_TRUE(publisher) << publisher.error().message();
  const auto greet_it = [&](bool may_attach) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    publisher->welcome(base::FileDescriptor(ends[0]), may_attach);
    const base::FileDescriptor client(ends[1]);
    std::atomic<bool> done = false;
    std::thread server([&] {
      while (!done.load()) publisher->serve();
    });
    auto greeting = greet(client.get(), {}, "attach");
    done.store(true);
    server.join();
    return greeting.has_value();
  };
  EXPECT_TRUE(greet_it(true));
  EXPECT_FALSE(greet_it(false));
  EXPECT_EQ(publisher->stats().admitted, 1U);
  EXPECT_EQ(publisher->stats().refused, 1U);
}

}  // namespace
}  // namespace ringtail::share
