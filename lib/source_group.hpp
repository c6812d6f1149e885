// Several sources served by one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include <ringtail/source.hpp>

#include "base/file_descriptor.hpp"

namespace ringtail {

/// What one of the sources had to say.
struct GroupReceived {
  ReceiveStatus status = ReceiveStatus::timeout;
  std::size_t source = 0;  ///< which one; means nothing with `timeout`
  Batch batch;
};

/// Takes batches from its sources in turn, so that a busy one cannot starve the others. Threads: one.
class SourceGroup {
 public:
  /// `sources` stay where they are as long as the group lives. Without any, the group has ended.
  [[nodiscard]] static Result<SourceGroup> create(std::vector<Source*> sources);
  [[nodiscard]] static Result<SourceGroup> create(std::span<Source> sources);

  /// As Source::receive(), `timeout` not negative; no_credit: one of them can lend nothing, and no other has anything.
  /// Every source says end_of_stream exactly once; after the last one has
  /// said it, has_ended() holds and receive() must not be called again.
  [[nodiscard]] GroupReceived receive(std::chrono::nanoseconds timeout);

  [[nodiscard]] bool has_ended() const noexcept { return live_.empty(); }

 private:
  SourceGroup(std::vector<Source*> sources, base::FileDescriptor epoll);

  [[nodiscard]] GroupReceived poll_each_once();
  [[nodiscard]] bool wait_for_any(std::chrono::nanoseconds timeout);
  void remove(std::size_t live_index);

  std::vector<Source*> sources_;
  std::vector<std::size_t> live_;  ///< those that have not ended
  std::size_t next_ = 0;           ///< whose turn it is, in live_
  base::FileDescriptor epoll_;
};

}  // namespace ringtail
