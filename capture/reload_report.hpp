// What becomes of a reload.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace ringtail::daemon {

/// Shared by all who still have something to say about it: `done` is called when the last of them has let go, on that
/// one's thread. So nobody waits for a capture whose disk hangs but the one who has asked for the reload.
/// Threads: any.
class ReloadReport {
 public:
  using Done = std::function<void(const std::vector<std::string>& problems)>;

  explicit ReloadReport(Done done) : done_(std::move(done)) {}
  ~ReloadReport() { done_(problems_); }
  ReloadReport(const ReloadReport&) = delete;
  ReloadReport& operator=(const ReloadReport&) = delete;

  void add(std::string problem) {
    const std::lock_guard lock(mutex_);
    problems_.push_back(std::move(problem));
  }

 private:
  const Done done_;
  std::mutex mutex_;
  std::vector<std::string> problems_;
};

}  // namespace ringtail::daemon
