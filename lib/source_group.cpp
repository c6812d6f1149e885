#include "source_group.hpp"

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <sys/epoll.h>
#include <thread>

namespace ringtail {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// A source whose blocks are all lent out stays readable though it can lend nothing (see Source::pollable_descriptor).
/// After waking up for nothing we sleep this long instead of spinning.
constexpr milliseconds pause_after_false_alarm{1};

bool says_something(ReceiveStatus status) {
  return status != ReceiveStatus::timeout && status != ReceiveStatus::no_credit;
}

}  // namespace

Result<SourceGroup> SourceGroup::create(std::span<Source> sources) {
  std::vector<Source*> pointers;
  for (Source& source : sources) pointers.push_back(&source);
  return create(std::move(pointers));
}

Result<SourceGroup> SourceGroup::create(std::vector<Source*> sources) {
  base::FileDescriptor epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.is_open()) return tl::unexpected(system_error("wait for several sources", errno));
  for (const Source* source : sources) {
    const int descriptor = source->pollable_descriptor();
    if (descriptor < 0) continue;
    epoll_event event{.events = EPOLLIN, .data = {}};
    if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
      return tl::unexpected(system_error("wait for " + std::string(source->name()), errno));
    }
  }
  return SourceGroup(std::move(sources), std::move(epoll));
}

SourceGroup::SourceGroup(std::vector<Source*> sources, base::FileDescriptor epoll)
    : sources_(std::move(sources)), live_(sources_.size()), epoll_(std::move(epoll)) {
  std::iota(live_.begin(), live_.end(), std::size_t{0});
}

GroupReceived SourceGroup::receive(nanoseconds timeout) {
  if (live_.size() == 1) {  // no need to look around: the source waits by itself
    auto [status, batch] = sources_[live_.front()]->receive(timeout);
    GroupReceived received{status, live_.front(), std::move(batch)};
    if (status == ReceiveStatus::end_of_stream) remove(0);
    return received;
  }
  GroupReceived received = poll_each_once();
  if (says_something(received.status) || !wait_for_any(timeout)) return received;
  received = poll_each_once();
  if (!says_something(received.status)) {
    std::this_thread::sleep_for(std::min<nanoseconds>(timeout, pause_after_false_alarm));
  }
  return received;
}

GroupReceived SourceGroup::poll_each_once() {
  GroupReceived nothing;
  for (std::size_t turn = 0; turn < live_.size(); ++turn) {
    if (next_ >= live_.size()) next_ = 0;
    const std::size_t live_index = next_++;
    const std::size_t source = live_[live_index];
    auto [status, batch] = sources_[source]->receive(nanoseconds::zero());
    if (status == ReceiveStatus::no_credit) nothing = {.status = status, .source = source, .batch = {}};
    if (!says_something(status)) continue;
    if (status == ReceiveStatus::end_of_stream) remove(live_index);
    return {status, source, std::move(batch)};
  }
  return nothing;
}

/// False when nothing has become readable in time.
bool SourceGroup::wait_for_any(nanoseconds timeout) {
  const bool all_can_wait = std::all_of(
      live_.begin(), live_.end(), [this](std::size_t source) { return sources_[source]->pollable_descriptor() >= 0; });
  if (!all_can_wait) return true;  // a file is always worth another look
  epoll_event event{};
  const auto timeout_ms = std::chrono::ceil<milliseconds>(timeout).count();
  return epoll_wait(epoll_.get(), &event, 1, static_cast<int>(timeout_ms)) > 0;
}

void SourceGroup::remove(std::size_t live_index) {
  const int descriptor = sources_[live_[live_index]]->pollable_descriptor();
  if (descriptor >= 0) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
  live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(live_index));
}

}  // namespace ringtail
