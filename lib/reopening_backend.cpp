#include "reopening_backend.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace ringtail {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds open_interval = 200ms;  // FAULTS: rebinds within a second

}  // namespace

Result<detail::BackendPointer> ReopeningBackend::open(Reopenable reopenable) {
  auto inner = reopenable.open(0, false);
  if (!inner) return tl::unexpected(std::move(inner.error()));
  base::FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  base::WakeEvent wake = base::WakeEvent::create();
  base::FileDescriptor timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  std::unique_ptr<ReopeningBackend, detail::BackendDeleter> backend(
      new ReopeningBackend(std::move(reopenable), std::move(epoll), std::move(wake), std::move(timer)));
  if (!backend->watch(backend->wake_.descriptor()) || !backend->watch(backend->timer_.get())) {
    return tl::unexpected(system_error("open " + backend->reopenable_.device, errno, "epoll"));
  }
  backend->adopt(std::move(*inner));
  return detail::BackendPointer(std::move(backend));
}

ReopeningBackend::ReopeningBackend(Reopenable reopenable, base::FileDescriptor epoll, base::WakeEvent wake,
                                   base::FileDescriptor timer)
    : reopenable_(std::move(reopenable)), epoll_(std::move(epoll)), wake_(std::move(wake)), timer_(std::move(timer)) {}

bool ReopeningBackend::watch(int descriptor) noexcept {
  epoll_event event = {.events = EPOLLIN, .data = {.fd = descriptor}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

// The inner back end is only ever looked at; waiting happens here, on a descriptor that stays the same.
ReceiveStatus ReopeningBackend::receive(std::chrono::nanoseconds timeout, Batch& batch) {
  const base::Deadline deadline = base::Deadline::after(timeout);
  bool waited = false;
  for (;;) {
    if (interrupted_.load(std::memory_order_relaxed) && interrupted_.exchange(false)) return ReceiveStatus::interrupted;
    const ReceiveStatus status = look(batch);
    if (status == ReceiveStatus::packets || status == ReceiveStatus::end_of_stream) return status;
    if (waited && deadline.has_passed()) return status;
    wait(deadline.remaining(look_interval(status)));  // at least once: it silences our bells, and then we look again
    waited = true;
  }
}

ReceiveStatus ReopeningBackend::look(Batch& batch) {
  if (!inner_) {
    if (stop_requested_.load() || failure_) return ReceiveStatus::end_of_stream;
    try_to_open();
    if (!inner_) return failure_ ? ReceiveStatus::end_of_stream : ReceiveStatus::timeout;
  }
  const ReceiveStatus status = inner_->receive(0ns, batch);
  learn_interfaces();
  const bool is_over = inner_->failure() != nullptr || reopenable_.outlives_its_end;
  if (status != ReceiveStatus::end_of_stream || !is_over) return status;
  retire_inner();
  return stop_requested_.load() ? ReceiveStatus::end_of_stream : ReceiveStatus::timeout;
}

// How long nothing may be missed without an event: a release makes none, nor does the end of a drain.
std::chrono::nanoseconds ReopeningBackend::look_interval(ReceiveStatus status) const noexcept {
  if (status == ReceiveStatus::no_credit) return 200us;
  return stop_requested_.load() ? std::chrono::nanoseconds(5ms) : open_interval;
}

void ReopeningBackend::adopt(detail::BackendPointer inner) noexcept {
  const std::scoped_lock lock(mutex_);
  inner_ = std::move(inner);
  (void)watch(inner_->pollable_descriptor());
  const itimerspec off = {};
  ::timerfd_settime(timer_.get(), 0, &off, nullptr);
  if (stop_requested_.load()) inner_->stop();
  learn_interfaces();
}

void ReopeningBackend::retire_inner() noexcept {
  const std::scoped_lock lock(mutex_);
  past_ += inner_->stats();
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, inner_->pollable_descriptor(), nullptr);
  inner_.reset();
  if (interfaces_.size() < ring::InterfaceTable::capacity) first_interface_id_ = interfaces_.size();
  itimerspec tick = {};
  tick.it_value.tv_nsec = tick.it_interval.tv_nsec = open_interval.count();
  ::timerfd_settime(timer_.get(), 0, &tick, nullptr);
}

void ReopeningBackend::learn_interfaces() {
  const ring::InterfaceTable& theirs = inner_->interfaces();
  const auto known = std::min<std::size_t>(first_interface_id_ + theirs.size(), ring::InterfaceTable::capacity);
  while (interfaces_.size() < known) {
    interfaces_.add(theirs[static_cast<std::uint16_t>(interfaces_.size() - first_interface_id_)]);
  }
}

// Almost any error means "not yet": the interface may be half way into existence. But a right that we have given up, or
// a publisher that does not want us, is no matter of time. A try that takes long is followed by as long a pause.
void ReopeningBackend::try_to_open() {
  if (!next_try_.has_passed()) return;
  const auto start = base::Deadline::Clock::now();
  auto opened = reopenable_.open(first_interface_id_, true);
  next_try_ = base::Deadline::after(base::Deadline::Clock::now() - start);
  if (opened) return adopt(std::move(*opened));
  if (opened.error().error_number == EPERM || opened.error().bad_usage) failure_ = std::move(opened.error());
}

void ReopeningBackend::wait(std::chrono::nanoseconds timeout) noexcept {
  const timespec limit = {.tv_sec = 0, .tv_nsec = static_cast<long>(timeout.count())};
  epoll_event events[3];
  const int ready = ::epoll_pwait2(epoll_.get(), events, 3, &limit, nullptr);
  for (int index = 0; index < ready; ++index) {
    const int descriptor = events[index].data.fd;
    std::uint64_t expirations = 0;
    if (descriptor == wake_.descriptor()) wake_.drain();
    if (descriptor == timer_.get()) (void)!::read(descriptor, &expirations, sizeof expirations);
  }
}

void ReopeningBackend::stop() noexcept {
  stop_requested_.store(true);
  const std::scoped_lock lock(mutex_);
  if (inner_) inner_->stop();
  wake_.signal();
}

void ReopeningBackend::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_relaxed);
  wake_.signal();
}

void ReopeningBackend::shut_down() noexcept {
  inner_.reset();
}

Stats ReopeningBackend::stats() {
  const std::scoped_lock lock(mutex_);
  Stats sum = past_;
  if (inner_) sum += inner_->stats();
  return sum;
}

}  // namespace ringtail
