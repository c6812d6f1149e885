#include "flight_recorder.hpp"

#include <algorithm>
#include <utility>

namespace ringtail::daemon {

namespace {

using namespace std::chrono_literals;

constexpr auto timer_slack = 50ms;     // of the kernel's retire timer
constexpr auto longest_patience = 1s;  // with rings that never pause

}  // namespace

FlightRecorder::FlightRecorder(std::size_t slots, const FlightLimits& limits,
                               std::shared_ptr<const FlightTrigger> trigger, const base::WakeEvent& bell)
    : limits_(limits), trigger_(std::move(trigger)), bell_(bell), newest_ns_(slots) {
  for (std::size_t slot = 0; slot < slots; ++slot) histories_.emplace_back(limits);
}

void FlightRecorder::hold(std::size_t slot, const Source& source, Batch&& batch) {
  if (trigger_ != nullptr && !has_fired() && trigger_->matches(source, batch)) {
    has_fired_.store(true, std::memory_order_relaxed);  // no data comes with it
    bell_.signal();
  }
  newest_ns_[slot] = batch.descriptors().back().timestamp_ns;
  histories_[slot].hold(std::move(batch), Clock::now());
}

void FlightRecorder::expire(Clock::time_point now) {
  for (FlightHistory& history : histories_) history.expire(now);
}

// While a dump is being written, the kernel is about to run into blocks of that dump; what came after it is of no help.
void FlightRecorder::make_room() {
  if (dump_is_out_.load(std::memory_order_relaxed)) return;
  for (FlightHistory& history : histories_) history.give_back_oldest_block();
}

bool FlightRecorder::is_ripe(const DumpWish& wish, const std::vector<bool>& has_source, bool is_idle) const {
  bool all_newer = true;
  for (std::size_t slot = 0; slot < has_source.size(); ++slot) {
    if (has_source[slot] && newest_ns_[slot] < wish.until_ns) all_newer = false;
  }
  if (all_newer) return true;
  const auto handed_over = wish.asked_at + limits_.retire_timeout + timer_slack;
  const auto now = Clock::now();
  return (is_idle && now >= handed_over) || now >= handed_over + longest_patience;
}

std::vector<HeldBatch> FlightRecorder::take(std::uint64_t since_ns) {
  std::vector<HeldBatch> taken;
  for (std::size_t slot = 0; slot < histories_.size(); ++slot) histories_[slot].take_since(since_ns, slot, taken);
  dump_is_out_.store(!taken.empty(), std::memory_order_relaxed);
  return taken;
}

void FlightRecorder::show(ReceivingFigures& figures) const {
  figures.held_packets = 0;
  figures.held_bytes = 0;
  figures.expired_packets = 0;
  const auto now = Clock::now();
  std::chrono::nanoseconds longest{};
  for (const FlightHistory& history : histories_) {
    figures.held_packets += history.held_packets();
    figures.held_bytes += history.held_bytes();
    figures.expired_packets += history.expired_packets();
    longest = std::max(longest, history.held_time(now));
  }
  figures.held_ns = static_cast<std::uint64_t>(longest.count());
}

}  // namespace ringtail::daemon
