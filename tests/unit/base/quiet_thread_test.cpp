#include "base/quiet_thread.hpp"

#include <gtest/gtest.h>

namespace ringtail::base {
namespace {

bool is_blocked(int signal) {
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, nullptr, &now);
  return sigismember(&now, signal) == 1;
}

TEST(QuietThread, LeavesSignalsToOthersButForItsOwn) {
  bool blocked_interrupt = false;
  bool blocked_bus_error = true;
  std::thread thread = start_quiet_thread([&] {
    blocked_interrupt = is_blocked(SIGINT);
    blocked_bus_error = is_blocked(SIGBUS);
  });
  thread.join();
  EXPECT_TRUE(blocked_interrupt);
  EXPECT_FALSE(blocked_bus_error) << "whoever maps files has a handler for it";
  EXPECT_FALSE(is_blocked(SIGINT)) << "the starting thread gets what it got before";
}

}  // namespace
}  // namespace ringtail::base
