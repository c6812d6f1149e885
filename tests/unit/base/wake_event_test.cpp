#include "base/wake_event.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <thread>

namespace ringtail::base {
namespace {

bool is_readable(const WakeEvent& event, int timeout_ms = 0) {
  pollfd descriptor = {.fd = event.descriptor(), .events = POLLIN, .revents = 0};
  return ::poll(&descriptor, 1, timeout_ms) == 1;
}

TEST(WakeEvent, SignalsUntilItIsDrained) {
  const WakeEvent event = WakeEvent::create();
  ASSERT_TRUE(event.is_open());
  EXPECT_FALSE(is_readable(event));
  event.signal();
  event.signal();
  EXPECT_TRUE(is_readable(event));
  EXPECT_TRUE(event.drain());
  EXPECT_FALSE(is_readable(event));
  EXPECT_FALSE(event.drain());  // does not wait
}

TEST(WakeEvent, WakesAThreadThatWaits) {
  const WakeEvent event = WakeEvent::create();
  std::thread signaller([&event] { event.signal(); });
  EXPECT_TRUE(is_readable(event, 10'000));
  signaller.join();
}

}  // namespace
}  // namespace ringtail::base
