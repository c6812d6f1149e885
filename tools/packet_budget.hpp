// How many packets may still be taken, all sources and threads together.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

namespace ringtail::tools {

/// Makes `-c COUNT` exact: every batch asks first. Threads: any.
class PacketBudget {
 public:
  /// Nothing: no limit.
  explicit PacketBudget(std::optional<std::uint64_t> packets)
      : limited_(packets.has_value()), left_(packets.value_or(0)) {}

  /// How many of `wanted` packets may be taken; they are taken.
  [[nodiscard]] std::uint32_t take(std::uint32_t wanted) noexcept {
    if (!limited_) return wanted;
    // Relaxed: the number itself is all that the threads share.
    std::uint64_t left = left_.load(std::memory_order_relaxed);
    std::uint64_t granted = 0;
    do {
      granted = std::min<std::uint64_t>(wanted, left);
    } while (!left_.compare_exchange_weak(left, left - granted, std::memory_order_relaxed));
    return static_cast<std::uint32_t>(granted);
  }

  [[nodiscard]] bool is_exhausted() const noexcept { return limited_ && left_.load(std::memory_order_relaxed) == 0; }

 private:
  bool limited_;
  std::atomic<std::uint64_t> left_;
};

}  // namespace ringtail::tools
