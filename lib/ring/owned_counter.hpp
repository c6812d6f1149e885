// Counters that one thread raises and any thread reads.
#pragma once

#include <atomic>
#include <cstdint>

namespace ringtail::ring {

/// Only the counter's one writer calls this, so a plain load and store is enough and costs no locked instruction.
inline void add_by_owner(std::atomic<std::uint64_t>& counter, std::uint64_t amount) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

}  // namespace ringtail::ring
