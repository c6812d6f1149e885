#include "bench/child_process.hpp"

#include <chrono>
#include <csignal>
#include <gmock/gmock.h>
#include <thread>
#include <unistd.h>

#include "bench/system_calls.hpp"

namespace ringtail::bench {
namespace {

using namespace std::chrono_literals;

base::Deadline soon() {
  return base::Deadline::after(20s);
}

/// Burns so much CPU time, by the process's own clock.
int burn(std::chrono::milliseconds time) {
  const double end = own_cpu_ns() + static_cast<double>(std::chrono::nanoseconds(time).count());
  while (own_cpu_ns() < end) {
  }
  return 0;
}

TEST(ChildProcess, WaitsAtTheGateAndIsMeasuredToItsEnd) {
  auto child = ChildProcess::run({}, [] { return burn(50ms) + 3; });
  ASSERT_TRUE(child);
  EXPECT_FALSE(child->has_ended());
  child->release();
  const auto ended = child->wait(soon());
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_status, 3);
  EXPECT_GE(ended->usage.cpu_ns, 49e6);
}

TEST(ChildProcess, AccountsForItsThreadsAndChildren) {
  auto child = ChildProcess::run({}, [] {
    std::thread([] { burn(30ms); }).join();
    auto grandchild = ChildProcess::run({}, [] { return burn(40ms); });
    grandchild->release();
    return grandchild->wait(soon()) ? 0 : 1;
  });
  ASSERT_TRUE(child);
  child->release();
  const auto ended = child->wait(soon());
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_status, 0);
  EXPECT_GE(ended->usage.cpu_ns, 68e6);
}

TEST(ChildProcess, IsKilledWhenItOutlivesItsDeadline) {
  auto child = ChildProcess::run({}, [] { return ::pause(); });
  ASSERT_TRUE(child);
  child->release();
  EXPECT_FALSE(child->wait(base::Deadline::after(10ms)));
}

TEST(ChildProcess, HasACpuClockThatStopsAtTheGateAndAtTheEnd) {
  auto child = ChildProcess::run({}, [] { return burn(20ms); });
  ASSERT_TRUE(child);
  const double at_gate = child->cpu_ns_so_far();
  child->release();
  const auto ended = child->wait(soon());
  ASSERT_TRUE(ended);
  EXPECT_GT(ended->usage.cpu_ns, at_gate);
  EXPECT_EQ(child->cpu_ns_so_far(), 0);
}

TEST(ChildProcess, TellsTheSignalThatEndedIt) {
  auto child = ChildProcess::run({}, [] { return ::pause(); });
  ASSERT_TRUE(child);
  child->release();
  child->signal(SIGINT);
  const auto ended = child->wait(soon());
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_status, 128 + SIGINT);
}

TEST(Program, HandsBackWhatItPrints) {
  const auto output = run_program({"sh", "-c", "echo out; echo err >&2; exit 5"});
  ASSERT_TRUE(output);
  EXPECT_EQ(output->text, "out\nerr\n");
  EXPECT_EQ(output->exit_status, 5);
}

TEST(Program, ThatIsNotThereIsAnError) {
  EXPECT_FALSE(run_program({"ringtail-there-is-no-such-program"}));
}

TEST(SystemCallCounter, CountsWhatAChildCalls) {
  auto child = ChildProcess::run({}, [] {
    for (int call = 0; call < 1000; ++call) (void)::getppid();
    return 0;
  });
  ASSERT_TRUE(child);
  const auto counter = SystemCallCounter::attach(child->pid());
  if (!counter) GTEST_SKIP() << counter.error().message();
  child->release();
  ASSERT_TRUE(child->wait(soon()));
  EXPECT_GE(counter->count(), 1000U);
  EXPECT_LE(counter->count(), 1050U);
}

}  // namespace
}  // namespace ringtail::bench
