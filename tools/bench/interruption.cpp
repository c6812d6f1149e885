#include "bench/interruption.hpp"

#include <csignal>

namespace ringtail::bench {

namespace {

volatile std::sig_atomic_t arrived = 0;

void note_signal(int /*number*/) {
  arrived = 1;
}

}  // namespace

void watch_for_interruption() {
  struct sigaction action = {};
  action.sa_handler = note_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() noexcept {
  return arrived != 0;
}

}  // namespace ringtail::bench
