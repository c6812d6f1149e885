#include "signals.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sys/signalfd.h>
#include <unistd.h>

namespace ringtail::tools {

namespace {

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// What the handler may touch: lock-free, and null unless an InterruptOnSignal lives.
std::atomic<Source*> interrupted_source{nullptr};
static_assert(std::atomic<Source*>::is_always_lock_free);

void interrupt_source(int /*signal*/) {
  if (Source* source = interrupted_source.load()) source->interrupt();
}

void set_handler(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigaction(signal, &action, nullptr);
}

}  // namespace

Result<SignalQueue> SignalQueue::create() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, signal);
  if (!is_ignored(SIGHUP)) sigaddset(&signals, SIGHUP);
  set_handler(SIGPIPE, SIG_IGN);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  base::FileDescriptor descriptor(signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!descriptor.is_open()) return tl::unexpected(system_error("watch for signals", errno));
  return SignalQueue(std::move(descriptor));
}

std::optional<int> SignalQueue::next() noexcept {
  signalfd_siginfo info{};
  if (::read(descriptor_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

void die_of(int signal) {
  set_handler(signal, SIG_DFL);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, signal);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  std::raise(signal);
  std::abort();
}

InterruptOnSignal::InterruptOnSignal(Source& source) {
  interrupted_source.store(&source);
  for (const int signal : {SIGINT, SIGTERM}) set_handler(signal, interrupt_source);
}

InterruptOnSignal::~InterruptOnSignal() {
  for (const int signal : {SIGINT, SIGTERM}) set_handler(signal, SIG_DFL);
  interrupted_source.store(nullptr);
}

}  // namespace ringtail::tools
