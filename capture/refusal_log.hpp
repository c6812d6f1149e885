// What strangers try is told in the log, but not as often as they try it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "control/peer.hpp"

namespace ringtail::daemon {

/// A line a minute for each user, who may try in a loop; users beyond a number share one. Threads: one.
class RefusalLog {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t most_users = 64;
  static constexpr std::chrono::minutes interval{1};

  /// "uid 1000 (pid 42) may not <what>", now or with the next one's line.
  void tell(std::string_view capture, const control::Peer& peer, std::string_view what);

  /// Nothing: another line is not due. Else how many were not told since the last.
  [[nodiscard]] std::optional<std::uint64_t> count(uid_t user, Clock::time_point now);

 private:
  struct Entry {
    Clock::time_point told_at;
    std::uint64_t untold = 0;
  };
  std::map<uid_t, Entry> entries_;
};

}  // namespace ringtail::daemon
