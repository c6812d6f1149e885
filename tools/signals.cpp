#include "signals.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace ringtail::tools {

namespace {

// What the handlers may touch: lock-free, and null or -1 unless an object below lives.
std::atomic<Source*> interrupted_source{nullptr};
std::atomic<int> queue_write_end{-1};
static_assert(std::atomic<Source*>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void interrupt_source(int /*signal*/) {
  if (Source* source = interrupted_source.load()) source->interrupt();
}

void enqueue(int signal) {
  const int saved_errno = errno;
  const auto byte = static_cast<unsigned char>(signal);
  // A full pipe drops the signal: thousands like it are waiting to be read already.
  [[maybe_unused]] const ssize_t written = ::write(queue_write_end.load(), &byte, 1);
  errno = saved_errno;
}

void set_handler(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigaction(signal, &action, nullptr);
}

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Result<SignalQueue> SignalQueue::create() {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return tl::unexpected(system_error("watch for signals", errno));
  return SignalQueue(base::FileDescriptor(ends[0]), base::FileDescriptor(ends[1]));
}

SignalQueue::SignalQueue(base::FileDescriptor read_end, base::FileDescriptor write_end) noexcept
    : read_end_(std::move(read_end)), write_end_(std::move(write_end)) {
  queue_write_end.store(write_end_.get());
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) set_handler(signal, enqueue);
  if (!is_ignored(SIGHUP)) set_handler(SIGHUP, enqueue);
}

SignalQueue::~SignalQueue() {
  if (!write_end_.is_open()) return;  // moved from
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) {
    if (!is_ignored(signal)) set_handler(signal, SIG_DFL);
  }
  queue_write_end.store(-1);
}

std::optional<int> SignalQueue::next() noexcept {
  unsigned char signal = 0;
  if (::read(read_end_.get(), &signal, 1) != 1) return std::nullopt;
  return signal;
}

void ignore_write_signals() {
  set_handler(SIGPIPE, SIG_IGN);
  set_handler(SIGXFSZ, SIG_IGN);
}

void die_of(int signal) {
  set_handler(signal, SIG_DFL);
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
