// Tells the service manager how the daemon is doing: sd_notify(3), without its library.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace ringtail::daemon {

/// Sends `state` ("READY=1", "STOPPING=1", "WATCHDOG=1", ...) as a datagram to $NOTIFY_SOCKET. Without one, or when
/// nobody listens there, nothing happens.
void notify(std::string_view state) noexcept;

/// How often "WATCHDOG=1" is expected of this process at least (sd_watchdog_enabled(3)).
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval() noexcept;

}  // namespace ringtail::daemon
