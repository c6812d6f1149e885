// From threads that receive packets to the one that writes them, without a lock.
//
//   receiver 0 ──parcels──> lane 0 ─┐
//   receiver 1 ──parcels──> lane 1 ─┼──> writer, from each lane in turn
//   ...                             ┘
//
// A parcel is what the two agree on: a batch, which stays the loan that it is, or a word about the file. What goes
// through one lane keeps its order.
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <ringtail/error.hpp>

#include "base/sleeper.hpp"
#include "ring/hand_over_queue.hpp"

namespace ringtail::store {

/// `Parcel` is as an item of HandOverQueue.
template <typename Parcel>
class WriterLanes {
 public:
  /// All memory is allocated here.
  [[nodiscard]] static Result<std::unique_ptr<WriterLanes>> create(std::size_t lanes, std::uint32_t parcels_per_lane) {
    std::unique_ptr<WriterLanes> made(new WriterLanes(lanes, parcels_per_lane));
    bool is_open = made->writer_.is_open();
    for (const auto& lane : made->lanes_) is_open = is_open && lane->receiver.is_open();
    if (!is_open) return tl::unexpected(system_error("set up the way to a writer", errno, "eventfd"));
    return made;
  }

  // Threads: the lane's receiver.

  /// False when the lane is full; the parcel then stays with the caller.
  [[nodiscard]] bool push(std::size_t lane, Parcel&& parcel) noexcept {
    if (!lanes_[lane]->queue.push(std::move(parcel))) return false;
    writer_.wake();
    return true;
  }
  [[nodiscard]] bool has_room(std::size_t lane, std::uint32_t parcels) noexcept {
    return lanes_[lane]->queue.has_room(parcels);
  }
  /// All that was pushed has been taken.
  [[nodiscard]] bool is_empty(std::size_t lane) noexcept { return lanes_[lane]->queue.is_empty(); }
  /// Sleeps until there may be room for so many, but no longer than `longest`.
  void wait_for_room(std::size_t lane, std::uint32_t parcels, std::chrono::nanoseconds longest) {
    lanes_[lane]->receiver.sleep(longest, [&] { return has_room(lane, parcels); });
  }
  /// The writer looks again for what it has to do.
  void wake_writer() noexcept { writer_.wake(); }
  /// The lane's last word: nothing comes after it.
  void close(std::size_t lane) noexcept {
    lanes_[lane]->closed.store(true, std::memory_order_release);  // pairs with take_some(): what was pushed before
    writer_.wake();
  }

  // Threads: the writer.

  /// Calls take(parcel) for some parcels of each lane. False when there was none anywhere.
  template <typename Take>
  [[nodiscard]] bool take_some(Take&& take) {
    bool found = false;
    for (const auto& lane : lanes_) found = take_some_of(*lane, take) || found;
    return found;
  }
  /// Something is there to be taken, or to be seen.
  [[nodiscard]] bool has_work() const noexcept {
    for (const auto& lane : lanes_) {
      if (!lane->is_done && (lane->queue.has_item() || lane->closed.load(std::memory_order_acquire))) return true;
    }
    return false;
  }
  /// Sleeps until there is something to take, but no longer than `longest`.
  void wait(std::chrono::nanoseconds longest) {
    writer_.sleep(longest, [this] { return has_work(); });
  }
  /// All lanes are closed, and everything has been taken.
  [[nodiscard]] bool has_ended() const noexcept { return open_lanes_ == 0; }

 private:
  static constexpr int parcels_per_turn = 32;  // from one lane, before the next one has its turn

  struct Lane {
    explicit Lane(std::uint32_t parcels) : queue(parcels) {}
    ring::HandOverQueue<Parcel> queue;
    base::Sleeper receiver;  // asleep while it waits for room
    std::atomic<bool> closed{false};
    bool is_done = false;  // the writer's
  };

  WriterLanes(std::size_t lanes, std::uint32_t parcels_per_lane) : open_lanes_(lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) lanes_.push_back(std::make_unique<Lane>(parcels_per_lane));
  }

  template <typename Take>
  [[nodiscard]] bool take_some_of(Lane& lane, Take& take) {
    if (lane.is_done) return false;
    const bool closed = lane.closed.load(std::memory_order_acquire);  // pairs with close(): asked before the queue is
    int taken = 0;
    for (Parcel parcel; taken < parcels_per_turn && lane.queue.pop(parcel); ++taken) take(std::move(parcel));
    if (taken != 0) lane.receiver.wake();
    if (taken == parcels_per_turn || !closed) return taken != 0;
    lane.is_done = true;
    --open_lanes_;
    return true;
  }

  std::vector<std::unique_ptr<Lane>> lanes_;
  std::size_t open_lanes_;  // the writer's
  base::Sleeper writer_;
};

}  // namespace ringtail::store
