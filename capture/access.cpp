#include "access.hpp"

#include <algorithm>

namespace ringtail::daemon {

bool may(const control::Peer& peer, control::Operation operation, const std::vector<AccessRule>& rules,
         uid_t own_user) noexcept {
  if (peer.uid == 0 || peer.uid == own_user) return true;
  return std::any_of(rules.begin(), rules.end(), [&](const AccessRule& rule) {
    const bool is_meant = (rule.user && *rule.user == peer.uid) || (rule.group && peer.is_in_group(*rule.group));
    return is_meant && rule.operations.contains(operation);
  });
}

}  // namespace ringtail::daemon
