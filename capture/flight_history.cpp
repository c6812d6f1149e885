#include "flight_history.hpp"

#include <algorithm>
#include <utility>

#include "ring/batch_slot.hpp"

namespace ringtail::daemon {

namespace {

/// From the first packet's beginning to the last one's end, the kernel's framing between them included.
std::uint64_t extent_of(const Batch& batch) noexcept {
  const PacketDescriptor& first = batch.descriptors().front();
  const PacketDescriptor& last = batch.descriptors().back();
  return last.offset + last.captured_length - first.offset;
}

bool share_a_block(const Batch& left, const Batch& right) noexcept {
  return left.slot()->block_index == right.slot()->block_index;
}

}  // namespace

void FlightHistory::hold(Batch&& batch, Clock::time_point now) {
  if (count_ == places_.size()) give_back_oldest();
  push({std::move(batch), now});
  while (count_ > 1 && (blocks_ > limits_.blocks || bytes_ > limits_.bytes)) give_back_oldest();
}

void FlightHistory::expire(Clock::time_point now) {
  while (count_ > 0 && now - at(0).received_at > limits_.age) give_back_oldest();
}

void FlightHistory::give_back_oldest_block() {
  const std::uint32_t blocks = blocks_;
  while (count_ > 0 && blocks_ == blocks) give_back_oldest();
}

void FlightHistory::clear() {
  while (count_ > 0) give_back_oldest();
}

// Timestamps are not quite in order, but what follows the first packet that is new enough goes with it: the in-place
// encoders write over whatever lies between two packets of a block, so nothing there may stay behind.
void FlightHistory::take_since(std::uint64_t since_ns, std::size_t slot, std::vector<HeldBatch>& taken) {
  const auto is_wanted = [since_ns](const PacketDescriptor& packet) { return packet.timestamp_ns >= since_ns; };
  const std::size_t taken_before = taken.size();
  // Once round the circle: who stays goes back in at the other end, so that the order stays, too.
  for (std::uint32_t left = count_; left > 0; --left) {
    Held held = pop();
    if (taken.size() == taken_before) {
      const auto packets = held.batch.descriptors();
      if (!is_wanted(packets.back())) {
        push(std::move(held));
        continue;
      }
      const auto older = std::find_if(packets.begin(), packets.end(), is_wanted) - packets.begin();
      held.batch.skip_first(static_cast<std::uint32_t>(older));
      expired_ += static_cast<std::uint64_t>(older);
    }
    taken.push_back({std::move(held.batch), slot, held.received_at});
  }
}

std::chrono::nanoseconds FlightHistory::held_time(Clock::time_point now) const noexcept {
  return count_ > 0 ? now - places_[first_].received_at : Clock::duration::zero();
}

FlightHistory::Held& FlightHistory::at(std::uint32_t position) noexcept {
  const std::size_t place = std::size_t{first_} + position;
  return places_[place < places_.size() ? place : place - places_.size()];
}

void FlightHistory::push(Held&& held) {
  if (count_ == 0 || !share_a_block(at(count_ - 1).batch, held.batch)) ++blocks_;
  packets_ += held.batch.size();
  bytes_ += extent_of(held.batch);
  at(count_++) = std::move(held);
}

FlightHistory::Held FlightHistory::pop() {
  Held oldest = std::move(at(0));
  packets_ -= oldest.batch.size();
  bytes_ -= extent_of(oldest.batch);
  first_ = first_ + 1 == places_.size() ? 0 : first_ + 1;
  --count_;
  if (count_ == 0 || !share_a_block(at(0).batch, oldest.batch)) --blocks_;
  return oldest;
}

void FlightHistory::give_back_oldest() {
  expired_ += pop().batch.size();
}

}  // namespace ringtail::daemon
