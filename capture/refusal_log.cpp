#include "refusal_log.hpp"

#include <fmt/format.h>
#include <string>
#include <utility>

#include "log.hpp"

namespace ringtail::daemon {

namespace {

constexpr auto all_others = static_cast<uid_t>(-1);  // which no user has: credentials(7)

}  // namespace

void RefusalLog::tell(std::string_view capture, const control::Peer& peer, std::string_view what) {
  const auto untold = count(peer.uid, Clock::now());
  if (!untold) return;
  const std::string more = *untold == 0 ? "" : fmt::format("; {} more attempts were not told", *untold);
  log(LogLevel::warning, capture, fmt::format("uid {} (pid {}) may not {}{}", peer.uid, peer.pid, what, more));
}

std::optional<std::uint64_t> RefusalLog::count(uid_t user, Clock::time_point now) {
  if (entries_.size() >= most_users && !entries_.contains(user)) {
    std::erase_if(entries_, [now](const auto& each) { return now - each.second.told_at >= interval; });
  }
  if (entries_.size() >= most_users && !entries_.contains(user)) user = all_others;
  const auto [entry, is_new] = entries_.try_emplace(user, Entry{.told_at = now});
  if (is_new) return 0;
  if (now - entry->second.told_at < interval) {
    ++entry->second.untold;
    return std::nullopt;
  }
  entry->second.told_at = now;
  return std::exchange(entry->second.untold, 0);
}

}  // namespace ringtail::daemon
