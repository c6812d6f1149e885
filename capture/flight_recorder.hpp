// The flight recorder of one worker: what its rings held last, until somebody wants it in a file.
//
//   worker's thread                               manager's thread
//   hold(), expire(): a batch in, old ones out
//   has_fired_ = true ────────────────────────>   has_fired(): a packet has matched; dumps, and later rearms
//   take() ──────── batches, with an answer ──>   writes them into a file, then dump_is_over()
//
// What a dump has taken is out of the history: the in-place encoders turn its blocks into the file, and the memory goes
// back to the ring as it is written. So a packet is in one dump at most, and dumps that follow each other join.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include <ringtail/source.hpp>

#include "base/wake_event.hpp"
#include "flight_history.hpp"
#include "flight_trigger.hpp"
#include "worker_figures.hpp"

namespace ringtail::daemon {

/// What to put into a dump.
struct DumpWish {
  std::uint64_t since_ns = 0;                        ///< timestamp of the oldest packet wanted
  std::uint64_t until_ns = 0;                        ///< when it was asked for, by the clock of timestamps
  std::chrono::steady_clock::time_point asked_at{};  ///< the same by the clock that nobody sets
};

/// Threads: the worker's, where nothing else is said.
class FlightRecorder {
 public:
  using Clock = FlightHistory::Clock;

  /// `trigger` may be null. `bell` is signalled when it has fired.
  FlightRecorder(std::size_t slots, const FlightLimits& limits, std::shared_ptr<const FlightTrigger> trigger,
                 const base::WakeEvent& bell);

  void hold(std::size_t slot, const Source& source, Batch&& batch);
  void expire(Clock::time_point now);
  /// A ring can lend nothing any more. As long as that is not because of a dump, history makes room.
  void make_room();
  /// The slot's source is about to go.
  void forget(std::size_t slot) { histories_[slot].clear(); }

  /// False while packets from before the wish may still be in a block that the kernel has not handed over. `is_idle`:
  /// the rings had nothing to give just now.
  [[nodiscard]] bool is_ripe(const DumpWish& wish, const std::vector<bool>& has_source, bool is_idle) const;
  [[nodiscard]] std::vector<HeldBatch> take(std::uint64_t since_ns);

  void show(ReceivingFigures& figures) const;

  // Threads: the manager's.
  [[nodiscard]] bool has_fired() const noexcept { return has_fired_.load(std::memory_order_relaxed); }
  void rearm() noexcept { has_fired_.store(false, std::memory_order_relaxed); }  // no data comes with it
  void dump_is_over() noexcept { dump_is_out_.store(false, std::memory_order_relaxed); }

 private:
  const FlightLimits limits_;
  const std::shared_ptr<const FlightTrigger> trigger_;
  const base::WakeEvent& bell_;
  std::vector<FlightHistory> histories_;  // by slot
  std::vector<std::uint64_t> newest_ns_;  // by slot: the last packet's timestamp
  std::atomic<bool> has_fired_{false};
  std::atomic<bool> dump_is_out_{false};
};

}  // namespace ringtail::daemon
