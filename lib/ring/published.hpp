// Figures that one thread shows to all others without ever waiting for them.
//
//   writer   version odd -> words -> version even       a store each, nothing is locked
//   reader   version -> words -> version                again, if the two differ or the first was odd
//
// Readers write nothing, so looking at a capture thread's figures takes no cache line away from it for longer than the
// look itself.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "ring/index_queue.hpp"

namespace ringtail::ring {

template <typename Figures>
class alignas(cache_line_bytes) Published {
  static_assert(std::is_trivially_copyable_v<Figures> && std::is_default_constructible_v<Figures>);

 public:
  /// Threads: one, always the same.
  void publish(const Figures& figures) noexcept {
    std::array<std::uint64_t, word_count> plain{};
    std::memcpy(plain.data(), &figures, sizeof figures);
    const std::uint64_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    // Release pairs with the acquire in read(): who sees one of these words sees the odd version before it, too.
    for (std::size_t word = 0; word < word_count; ++word) words_[word].store(plain[word], std::memory_order_release);
    version_.store(version + 2, std::memory_order_release);  // pairs with the first load in read()
  }

  /// The figures of one publish(), never a mixture; all zero before the first. Threads: any.
  [[nodiscard]] Figures read() const noexcept {
    std::array<std::uint64_t, word_count> plain;
    for (;;) {
      const std::uint64_t before = version_.load(std::memory_order_acquire);  // pairs with the end of publish()
      // Acquire pairs with the words' release in publish(), and keeps the last load where it stands.
      for (std::size_t word = 0; word < word_count; ++word) plain[word] = words_[word].load(std::memory_order_acquire);
      if (before % 2 == 0 && version_.load(std::memory_order_relaxed) == before) break;
    }
    Figures figures;
    std::memcpy(static_cast<void*>(&figures), plain.data(), sizeof figures);
    return figures;
  }

 private:
  static constexpr std::size_t word_count = (sizeof(Figures) + 7) / 8;
  std::atomic<std::uint64_t> version_{0};
  std::array<std::atomic<std::uint64_t>, word_count> words_{};
};

}  // namespace ringtail::ring
