#include "base/own_process.hpp"

#include <atomic>
#include <pthread.h>
#include <unistd.h>

namespace ringtail::base {

namespace {

std::atomic<pid_t> process{0};

void look_again() {
  process.store(::getpid(), std::memory_order_relaxed);  // the child has one thread yet
}

bool watch_forks() {
  look_again();
  // ENOMEM leaves children unnoticed: nothing to fail for.
  return ::pthread_atfork(nullptr, nullptr, look_again) == 0;
}

}  // namespace

pid_t own_process() noexcept {
  [[maybe_unused]] static const bool watched = watch_forks();
  return process.load(std::memory_order_relaxed);
}

}  // namespace ringtail::base
