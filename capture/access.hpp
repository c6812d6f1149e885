// Who may do what through the control socket.
#pragma once

#include <vector>

#include "control/message.hpp"
#include "control/peer.hpp"
#include "settings.hpp"

namespace ringtail::daemon {

/// Root and the user the daemon runs as (`own_user`) may do everything, others what the rules say.
[[nodiscard]] bool may(const control::Peer& peer, control::Operation operation, const std::vector<AccessRule>& rules,
                       uid_t own_user) noexcept;

}  // namespace ringtail::daemon
