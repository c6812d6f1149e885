#include "signals.hpp"

#include <cerrno>
#include <csignal>
#include <sys/signalfd.h>
#include <unistd.h>

namespace ringtail::daemon {

Result<Signals> Signals::take_over() {
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&handled, signal);
  pthread_sigmask(SIG_BLOCK, &handled, nullptr);
  base::FileDescriptor descriptor(::signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!descriptor.is_open()) return tl::unexpected(system_error("watch for signals", errno));
  return Signals(std::move(descriptor));
}

std::optional<int> Signals::next() noexcept {
  signalfd_siginfo information{};
  if (::read(descriptor_.get(), &information, sizeof information) != sizeof information) return std::nullopt;
  return static_cast<int>(information.ssi_signo);
}

}  // namespace ringtail::daemon
