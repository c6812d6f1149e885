// What the kernel tells of real links, in a network namespace of the test's own.
#include "tpacket/link_watch.hpp"

#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <string>
#include <thread>

namespace ringtail::tpacket {
namespace {

void run(const std::string& command) {
  ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(concurrency-mt-unsafe): one thread runs
}

/// Runs on a thread that is alone in a new namespace; children begin there too.
void in_private_namespace(void (*test)()) {
  bool entered = false;
  std::thread([&] {
    entered = ::unshare(CLONE_NEWNET) == 0;
    if (entered) test();
  }).join();
  if (!entered) GTEST_SKIP() << "network namespaces need root";
}

/// News until one of `name` satisfies `condition`.
template <typename Condition>
LinkChange wait_for(LinkWatch& watch, const std::string& name, Condition condition) {
  for (;;) {
    for (const LinkChange& change : watch.take().changes) {
      if (change.link.name == name && condition(change)) return change;
    }
    pollfd readable{.fd = watch.pollable_descriptor(), .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, 20'000) != 1) {
      ADD_FAILURE() << "waited 20 s for news of " << name;
      return {};
    }
  }
}

TEST(LinkWatch, TellsOfEverythingThatHappensToALink) {
  in_private_namespace([] {
    run("ip link add rt0 type veth peer name rt1");
    auto watch = LinkWatch::open();
    ASSERT_TRUE(watch) << watch.error().message();
    const LinkNews first = watch->take();
    EXPECT_TRUE(first.is_complete);
    EXPECT_EQ(first.changes.size(), 3U) << "lo and two ends";
    EXPECT_FALSE(watch->take().is_complete);

    run("ip link set rt0 up && ip link set rt1 up");
    const LinkChange up = wait_for(*watch, "rt0", [](const auto& change) { return change.link.is_running(); });
    run("ip link set rt0 mtu 9000");
    wait_for(*watch, "rt0", [](const auto& change) { return change.link.mtu == 9000; });
    run("ip link set rt1 down");
    wait_for(*watch, "rt0", [](const auto& change) { return change.link.is_up() && !change.link.is_running(); });
    run("ip link set rt0 down && ip link set rt0 name other0");
    const LinkChange renamed = wait_for(*watch, "other0", [](const auto&) { return true; });
    EXPECT_EQ(renamed.link.index, up.link.index);
    run("ip link del other0");
    EXPECT_EQ(wait_for(*watch, "other0", [](const auto& change) { return change.is_gone; }).link.index, up.link.index);
  });
}

TEST(LinkWatch, ReadsAllAnewWhenItHasMissedSome) {
  in_private_namespace([] {
    run("ip link add rt0 type veth peer name rt1");
    auto watch = LinkWatch::open();
    ASSERT_TRUE(watch);
    (void)watch->take();
    run("for mtu in $(seq 1000 3000); do echo link set rt0 mtu $mtu; done | ip -batch -");
    const LinkNews news = watch->take();
    ASSERT_TRUE(news.is_complete) << "2,001 messages are more than a socket holds";
    const auto link = std::ranges::find(news.changes, "rt0", [](const auto& change) { return change.link.name; });
    ASSERT_NE(link, news.changes.end());
    EXPECT_EQ(link->link.mtu, 3000U);
    EXPECT_FALSE(watch->take().is_complete);
  });
}

}  // namespace
}  // namespace ringtail::tpacket
