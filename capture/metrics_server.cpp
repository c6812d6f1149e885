#include "metrics_server.hpp"

#include <cerrno>
#include <condition_variable>
#include <fmt/format.h>
#include <functional>
#include <httplib.h>
#include <utility>

#include "metrics.hpp"

namespace ringtail::daemon {

namespace {

constexpr std::size_t threads = 4;
constexpr std::size_t longest_request_bytes = 4096;
constexpr std::chrono::seconds patience{5};         // with the supervisor
constexpr std::chrono::seconds client_patience{1};  // for each part of a request

/// A connection is accepted when there is a thread for it: those before that wait with the kernel, and cost no
/// descriptor. (httplib's own queue grows without bound.)
class Doorman final : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> task) override {
    {
      std::unique_lock lock(mutex_);
      ++busy_;
      is_free_.wait(lock, [this] { return busy_ <= threads; });
    }
    pool_.enqueue([this, task = std::move(task)] {
      task();
      const std::lock_guard lock(mutex_);
      --busy_;
      is_free_.notify_one();
    });
  }
  void shutdown() override { pool_.shutdown(); }

 private:
  std::mutex mutex_;
  std::condition_variable is_free_;
  std::size_t busy_ = 0;  ///< connections that a thread has, and the one that waits for a thread
  httplib::ThreadPool pool_{threads};
};

}  // namespace

MetricsServer::MetricsServer() : server_(std::make_unique<httplib::Server>()) {
  server_->new_task_queue = [] { return new Doorman; };  // the server deletes it
  server_->set_payload_max_length(longest_request_bytes);
  server_->set_read_timeout(client_patience);
  server_->set_write_timeout(client_patience);
  server_->set_keep_alive_timeout(client_patience.count());
  server_->Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
    const std::lock_guard lock(mutex_);
    response.set_content(metrics_text(captures_), "text/plain; version=0.0.4");
  });
  server_->Get("/healthz", [this](const httplib::Request&, httplib::Response& response) {
    const std::lock_guard lock(mutex_);
    std::string complaints = health_complaints(captures_);
    if (std::chrono::steady_clock::now() - shown_at_ > patience) complaints += "the supervisor does not answer\n";
    response.status = complaints.empty() ? 200 : 503;
    response.set_content(complaints.empty() ? "well\n" : complaints, "text/plain");
  });
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const MetricsAddress& address) {
  std::unique_ptr<MetricsServer> metrics(new MetricsServer);
  httplib::Server& server = *metrics->server_;
  int port = address.port;
  if (port == 0) {
    port = server.bind_to_any_port(address.host);
  } else if (!server.bind_to_port(address.host, port)) {
    port = -1;
  }
  if (port < 0) {
    return tl::unexpected(
        system_error(fmt::format("serve metrics on {}:{}", address.host, address.port), errno, "bind"));
  }
  metrics->port_ = static_cast<std::uint16_t>(port);
  metrics->thread_ = std::thread([&server] { server.listen_after_bind(); });
  return metrics;
}

MetricsServer::~MetricsServer() {
  if (!thread_.joinable()) return;
  // stop() means nothing to a server that has not begun yet.
  for (int turn = 0; turn < 1000 && !server_->is_running(); ++turn)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  server_->stop();
  thread_.join();
}

void MetricsServer::show(std::vector<control::CaptureStatus> captures) {
  const std::lock_guard lock(mutex_);
  captures_ = std::move(captures);
  shown_at_ = std::chrono::steady_clock::now();
}

}  // namespace ringtail::daemon
