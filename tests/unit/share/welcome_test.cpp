// A publisher's manners: guests who connect elsewhere, as a daemon's do, and patience with clients.
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <thread>

#include "fixture/test_publisher.hpp"
#include "share/message.hpp"
#include "share/publisher.hpp"
#include "share/share_backend.hpp"

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

// Not looking is no crime as long as nothing is missed by it.
TEST(Patience, WhoOnlyDoesNotLookIsLeftAlone) {
  const test::RunDirectory directory;
  test::TestPublisher publisher(
      {.name = "test", .geometry = test::small_geometry, .hold_limit = std::chrono::milliseconds(50)});
  auto backend = ShareBackend::open("ringtail:test", "test", {});
  ASSERT_TRUE(backend) << backend.error().message();
  Source source(std::move(*backend));
  publisher.send(100);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(publisher.stats().evicted, 0U);
  std::uint64_t packets = 0;
  for (Received got; (got = source.receive(std::chrono::nanoseconds(0))).status == ReceiveStatus::packets;) {
    packets += got.batch.size();
  }
  EXPECT_EQ(packets, 100U);
  publisher.send(63 * 32 + 1);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (publisher.stats().evicted == 0) ASSERT_LT(std::chrono::steady_clock::now(), end) << "now it misses some";
}

}  // namespace
}  // namespace ringtail::share
