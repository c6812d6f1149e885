// The one thread that opens sources. It alone keeps the right to make packet sockets when the daemon has given up its
// privileges; the others ask it and wait.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <ringtail/source.hpp>

namespace ringtail::daemon {

class Opener {
 public:
  Opener();
  ~Opener();
  Opener(const Opener&) = delete;
  Opener& operator=(const Opener&) = delete;

  /// `members` rings of one device, as open_fanout() spreads packets over them; for dpdk: devices a queue each.
  [[nodiscard]] Result<std::vector<std::shared_ptr<Source>>> open(const std::string& device, const OpenOptions& options,
                                                                  std::uint16_t members);

  /// Whether a filter can be compiled for that device now.
  [[nodiscard]] Result<void> check_filter(const std::string& device, const OpenOptions& options);

  /// Runs `work` on the opener's thread and waits for it.
  void run(const std::function<void()>& work);

 private:
  void serve();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> work_;
  bool stopping_ = false;
  std::thread thread_;
};

/// True when the error says that there is no such interface at the moment.
[[nodiscard]] bool is_missing_interface(const Error& error) noexcept;

}  // namespace ringtail::daemon
