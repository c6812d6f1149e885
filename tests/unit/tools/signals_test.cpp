#include "signals.hpp"

#include <csignal>
#include <gtest/gtest.h>

#include "fixture/memory_backend.hpp"

namespace ringtail::tools {
namespace {

using namespace std::chrono_literals;

TEST(SignalQueue, HandsOutSignalsInTheirOrder) {
  auto signals = SignalQueue::create().value();
  EXPECT_EQ(signals.next(), std::nullopt);
  for (const int signal : {SIGINT, SIGUSR1, SIGTERM, SIGHUP, SIGINT}) std::raise(signal);
  for (const int signal : {SIGINT, SIGUSR1, SIGTERM, SIGHUP, SIGINT}) EXPECT_EQ(signals.next(), signal);
  EXPECT_EQ(signals.next(), std::nullopt);
}

TEST(SignalQueue, LeavesHangupAloneUnderNohup) {
  std::signal(SIGHUP, SIG_IGN);
  {
    auto signals = SignalQueue::create().value();
    std::raise(SIGHUP);
    EXPECT_EQ(signals.next(), std::nullopt);
  }
  EXPECT_EQ(std::signal(SIGHUP, SIG_DFL), SIG_IGN);
}

TEST(SignalQueueDeathTest, EndsWithTheOrdinaryWayToDie) {
  EXPECT_EXIT(
      {
        { auto signals = SignalQueue::create().value(); }
        std::raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "");
  EXPECT_EXIT(
      {
        auto signals = SignalQueue::create().value();
        die_of(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST(InterruptOnSignal, WakesTheSource) {
  Source source = test::make_source(test::MemoryBackend::create());
  const InterruptOnSignal interrupt(source);
  EXPECT_EQ(source.receive(0ms).status, ReceiveStatus::timeout);
  std::raise(SIGINT);
  EXPECT_EQ(source.receive(0ms).status, ReceiveStatus::interrupted);
}

}  // namespace
}  // namespace ringtail::tools
