#include "base/wake_event.hpp"

#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

namespace ringtail::base {

WakeEvent WakeEvent::create() noexcept {
  return WakeEvent(FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
}

// Fails only when the count is at its maximum, and then the descriptor is readable anyway (eventfd(2)).
void WakeEvent::signal() const noexcept {
  const std::uint64_t one = 1;
  (void)!::write(descriptor_.get(), &one, sizeof one);
}

bool WakeEvent::drain() const noexcept {
  std::uint64_t count = 0;
  return ::read(descriptor_.get(), &count, sizeof count) > 0;
}

}  // namespace ringtail::base
