#include "ring/time_order.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "base/contract.hpp"
#include "ring/batch_slot.hpp"

namespace ringtail::ring {

TimeOrder::TimeOrder(std::size_t sources, Options options)
    : options_(options),
      heard_ns_(sources, 0),
      blocks_(sources, 0),
      block_count_(sources, 0),
      held_(options.most_batches),
      free_(options.most_batches) {
  base::require(options.most_batches > 0, "at least one batch can be held");
  std::iota(free_.begin(), free_.end(), std::uint32_t{0});
  heap_.reserve(options.most_batches);
}

void TimeOrder::add(std::size_t source, Batch&& batch, Clock::time_point now) {
  base::require(!free_.empty(), "as many batches are held as were asked for");
  if (batch.empty()) return batch.reset();
  const std::uint32_t place = free_.back();
  free_.pop_back();
  Held& held = held_[place];
  held.batch = std::move(batch);
  held.source = source;
  held.came = now;
  held.next = 0;
  held.order.clear();

  const auto time_of = [&held](std::uint32_t index) { return held.batch[index].timestamp_ns(); };
  std::uint64_t latest = time_of(0);
  bool is_in_order = true;
  for (std::uint32_t index = 1; index < held.batch.size(); ++index) {
    is_in_order = is_in_order && time_of(index) >= latest;
    latest = std::max(latest, time_of(index));
  }
  if (!is_in_order) {
    held.order.resize(held.batch.size());
    std::iota(held.order.begin(), held.order.end(), std::uint32_t{0});
    std::ranges::sort(held.order, std::less<>{}, [&](std::uint32_t index) { return std::pair(time_of(index), index); });
  }

  heard_ns_[source] = heard_ns_[source] == forever ? latest : std::max(heard_ns_[source], latest);
  if (const detail::InPlace& block = held.batch.slot()->in_place; block.available()) {
    block_count_[source] = block.block_count;
    if (block.is_first()) ++blocks_[source];
  }
  heap_.push_back({held.next_ns(), place});
  std::ranges::push_heap(heap_, std::greater<>{});
}

std::uint64_t TimeOrder::heard_of_all_ns() const noexcept {
  const std::uint64_t heard = *std::ranges::min_element(heard_ns_);
  const auto disorder = static_cast<std::uint64_t>(options_.disorder.count());
  return heard == forever ? forever : heard - std::min(heard, disorder);
}

// The kernel fills the other part of a ring meanwhile.
bool TimeOrder::is_short_of_room() const noexcept {
  if (free_.empty()) return true;
  for (std::size_t source = 0; source < blocks_.size(); ++source) {
    if (block_count_[source] != 0 && blocks_[source] * options_.ring_parts >= block_count_[source]) return true;
  }
  return false;
}

/// Up to when packets of the earliest batch may go now: as far as all sources have been heard of, or without a limit
/// when it has waited long enough, or no longer can.
std::uint64_t TimeOrder::limit_for_earliest_ns(Clock::time_point now, std::uint64_t heard_ns) const noexcept {
  const Entry& earliest = heap_.front();
  if (earliest.next_ns <= heard_ns) return heard_ns;
  const bool has_waited = now - held_[earliest.held].came >= options_.patience;
  return has_waited || is_short_of_room() ? forever : heard_ns;
}

/// At least one packet, and further ones that follow it, up to `limit_ns` and to the next one of another batch.
std::uint32_t TimeOrder::run_length(const Held& held, std::uint64_t limit_ns) const noexcept {
  for (std::size_t child = 1; child <= 2 && child < heap_.size(); ++child) {
    limit_ns = std::min(limit_ns, heap_[child].next_ns);  // the second earliest is in the heap's second row
  }
  const std::uint32_t first = held.index_at(held.next);
  std::uint32_t count = 1;
  while (held.next + count < held.batch.size() && held.index_at(held.next + count) == first + count &&
         held.batch[first + count].timestamp_ns() <= limit_ns) {
    ++count;
  }
  return count;
}

void TimeOrder::advance(std::uint32_t count) {
  std::ranges::pop_heap(heap_, std::greater<>{});
  Held& held = held_[heap_.back().held];
  for (std::uint32_t packet = 0; packet < count; ++packet) {
    const std::uint64_t time = held.batch[held.index_at(held.next + packet)].timestamp_ns();
    if (time < gone_ns_) ++late_;
    gone_ns_ = std::max(gone_ns_, time);
  }
  held.next += count;
  if (held.next < held.batch.size()) {
    heap_.back().next_ns = held.next_ns();
    std::ranges::push_heap(heap_, std::greater<>{});
    return;
  }
  const detail::InPlace& block = held.batch.slot()->in_place;
  if (block.available() && block.is_last() && blocks_[held.source] != 0) --blocks_[held.source];
  held.batch.reset();
  free_.push_back(heap_.back().held);
  heap_.pop_back();
}

}  // namespace ringtail::ring
