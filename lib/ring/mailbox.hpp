// One letter at a time from one thread to another. Looking into an empty box only reads, so the thread that looks often
// keeps the cache line until somebody really posts.
#pragma once

#include <atomic>
#include <memory>

#include "ring/index_queue.hpp"

namespace ringtail::ring {

template <typename Letter>
class alignas(cache_line_bytes) Mailbox {
 public:
  Mailbox() noexcept = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox() { delete letter_.load(std::memory_order_acquire); }

  /// False, and `letter` is untouched, when the one before has not been taken. Threads: one posts.
  bool post(std::unique_ptr<Letter>& letter) noexcept {
    if (letter_.load(std::memory_order_relaxed) != nullptr) return false;
    letter_.store(letter.release(), std::memory_order_release);  // pairs with take(): the letter's content
    return true;
  }

  /// Null when there is none. Threads: one takes.
  [[nodiscard]] std::unique_ptr<Letter> take() noexcept {
    if (letter_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    return std::unique_ptr<Letter>(letter_.exchange(nullptr, std::memory_order_acquire));  // pairs with post()
  }

 private:
  std::atomic<Letter*> letter_{nullptr};
};

}  // namespace ringtail::ring
