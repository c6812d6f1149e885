// The metrics over HTTP: /metrics for Prometheus, /healthz for whoever restarts what is not well.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "control/status.hpp"
#include "settings.hpp"

namespace httplib {
class Server;
}

namespace ringtail::daemon {

/// Threads of its own answer, from what the supervisor showed last: who asks touches nothing of a capture.
class MetricsServer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<MetricsServer>> start(const MetricsAddress& address);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  /// To be called about once a second: a daemon that has not for long is not healthy.
  void show(std::vector<control::CaptureStatus> captures);

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  MetricsServer();

  std::unique_ptr<httplib::Server> server_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<control::CaptureStatus> captures_;
  std::chrono::steady_clock::time_point shown_at_ = std::chrono::steady_clock::now();
  std::thread thread_;
};

}  // namespace ringtail::daemon
