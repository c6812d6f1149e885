#include "base/fork_count.hpp"

#include <atomic>
#include <pthread.h>

namespace ringtail::base {

namespace {

std::atomic<unsigned> forks{0};

void count_fork() {
  forks.fetch_add(1, std::memory_order_relaxed);  // the child has one thread yet
}

}  // namespace

unsigned fork_count() noexcept {
  // ENOMEM leaves children unnoticed: nothing to fail for.
  [[maybe_unused]] static const int registered = ::pthread_atfork(nullptr, nullptr, count_fork);
  return forks.load(std::memory_order_relaxed);
}

}  // namespace ringtail::base
