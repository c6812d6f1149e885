// Threads that leave signals to those that were there before them.
#pragma once

#include <csignal>
#include <thread>
#include <utility>

namespace ringtail::base {

/// While it lives, this thread and those that it starts get no signals, but for those that a thread brings upon itself:
/// a blocked SIGBUS would kill the process without a word to its handler (linux kernel/signal.c: force_sig_info()).
class BlockedSignals {
 public:
  BlockedSignals() noexcept {
    sigset_t others;
    sigfillset(&others);
    for (const int own : {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&others, own);
    pthread_sigmask(SIG_SETMASK, &others, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

/// A thread whose signals others take. Throws std::system_error where there is no thread to be had, as std::thread.
template <typename Function>
[[nodiscard]] std::thread start_quiet_thread(Function function) {
  const BlockedSignals inherited;
  return std::thread(std::move(function));
}

}  // namespace ringtail::base
