#include "send_loop.hpp"

#include <algorithm>
#include <thread>
#include <vector>

#include "base/deadline.hpp"

namespace ringtail::tools {

namespace {

using detail::Frame;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t most_at_once = 64;
constexpr std::chrono::milliseconds longest_sleep{10};  // so that an end is noticed
constexpr std::chrono::seconds longest_flush{1};

/// How many frames may go now, by the clock.
class Pace {
 public:
  explicit Pace(double frames_per_second) : rate_(frames_per_second) {}

  /// Waits a little where nothing is due yet, and then says 0.
  std::uint32_t due(std::uint64_t sent) {
    if (rate_ <= 0) return most_at_once;
    const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    const double due = seconds * rate_ - static_cast<double>(sent) + 1;
    if (due >= 1) return static_cast<std::uint32_t>(std::min<double>(due, most_at_once));
    const std::chrono::duration<double> wait((1 - due) / rate_);
    std::this_thread::sleep_for(std::min<std::chrono::duration<double>>(wait, longest_sleep));
    return 0;
  }

 private:
  double rate_;
  Clock::time_point begin_ = Clock::now();
};

class Sending {
 public:
  Sending(FrameSupply& supply, detail::Transmitter& device, const SendLimits& limits)
      : supply_(supply),
        device_(device),
        limits_(limits),
        pace_(limits.frames_per_second),
        end_(base::Deadline::after(limits.duration)) {}

  SendAccount run(const std::function<bool()>& wants_end) {
    const auto begin = Clock::now();
    account_.longest = device_.longest_frame_bytes();
    while (!account_.error && !supply_is_empty_ && !limit_is_reached() && !end_.has_passed() && !wants_end()) {
      if (waiting_.empty()) take_more();
      offer();
    }
    device_.flush(longest_flush);
    account_.elapsed_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    return account_;
  }

 private:
  [[nodiscard]] bool limit_is_reached() const { return limits_.frames && account_.sent_packets >= *limits_.frames; }

  void take_more() {
    std::uint64_t most = pace_.due(account_.sent_packets);
    if (limits_.frames) most = std::min(most, *limits_.frames - account_.sent_packets);
    if (most == 0) return;
    const auto frames = supply_.next(static_cast<std::uint32_t>(most));
    if (!frames) return void(account_.error = frames.error());
    supply_is_empty_ = frames->empty();
    fitting_.clear();
    for (const Frame& frame : *frames) {
      if (frame.size() <= account_.longest) fitting_.push_back(frame);
    }
    account_.too_long += frames->size() - fitting_.size();
    waiting_ = fitting_;
  }

  void offer() {
    if (waiting_.empty()) return;
    const auto taken = device_.send(waiting_);
    if (!taken) return void(account_.error = taken.error());
    for (const Frame& frame : waiting_.first(*taken)) account_.sent_bytes += frame.size();
    account_.sent_packets += *taken;
    waiting_ = waiting_.subspan(*taken);
    if (waiting_.empty()) return;
    ++account_.queue_full;
    std::this_thread::yield();
  }

  FrameSupply& supply_;
  detail::Transmitter& device_;
  const SendLimits& limits_;
  Pace pace_;
  base::Deadline end_;
  SendAccount account_;
  std::vector<Frame> fitting_;
  std::span<const Frame> waiting_;
  bool supply_is_empty_ = false;
};

}  // namespace

SendAccount send_frames(FrameSupply& supply, detail::Transmitter& device, const SendLimits& limits,
                        const std::function<bool()>& wants_end) {
  return Sending(supply, device, limits).run(wants_end);
}

}  // namespace ringtail::tools
