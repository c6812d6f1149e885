// The publisher's own record of who holds which slot, and of what stays lent for them. Nothing that a client writes
// gets in here unchecked.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <ringtail/batch.hpp>

namespace ringtail::share {

/// Pure memory, one thread. Slots are used last in, first out: the ones in the processor's caches first.
class LoanBook {
 public:
  static constexpr std::uint32_t most_clients = 64;  // a bit each

  explicit LoanBook(std::uint32_t slots) : holders_(slots), kept_(slots) {
    free_.reserve(slots);
    for (std::uint32_t slot = slots; slot > 0; --slot) free_.push_back(slot - 1);
  }

  /// A slot that nobody holds, to be filled and lent; then settle() ends its filling.
  [[nodiscard]] std::optional<std::uint32_t> take_free() noexcept {
    if (free_.empty()) return std::nullopt;
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }

  /// `client` < most_clients holds `slot` from now on.
  void lend(std::uint32_t slot, std::uint32_t client) noexcept {
    holders_[slot] |= bit(client);
    ++held_[client];
  }

  /// The slot's packets lie in `batch`, in the memory at `place`: so it does not go back before the slot is free.
  void keep(std::uint32_t slot, Batch batch, std::uint32_t place) noexcept {
    kept_[slot] = {.batch = std::move(batch), .place = place};
  }

  /// After the last lend(): a slot that nobody took is free again.
  void settle(std::uint32_t slot) noexcept {
    if (holders_[slot] != 0) return;
    kept_[slot].batch.reset();
    free_.push_back(slot);
  }

  /// False when `slot` is none, or `client` does not hold it: the client lies, or is broken.
  [[nodiscard]] bool give_back(std::uint32_t slot, std::uint32_t client) noexcept {
    if (slot >= holders_.size() || (holders_[slot] & bit(client)) == 0) return false;
    holders_[slot] &= ~bit(client);
    --held_[client];
    settle(slot);
    return true;
  }

  /// Everything that `client` held is back.
  void forget(std::uint32_t client) noexcept {
    for (std::uint32_t slot = 0; slot < holders_.size() && held_[client] != 0; ++slot) (void)give_back(slot, client);
  }

  /// Those for whom a batch in the memory at `place` is kept: a bit for each client. Looks at all slots.
  [[nodiscard]] std::uint64_t holders_at(std::uint32_t place) const noexcept {
    std::uint64_t holders = 0;
    for (std::uint32_t slot = 0; slot < holders_.size(); ++slot) {
      if (!kept_[slot].batch.empty() && kept_[slot].place == place) holders |= holders_[slot];
    }
    return holders;
  }

  [[nodiscard]] std::uint32_t held(std::uint32_t client) const noexcept { return held_[client]; }

  [[nodiscard]] std::uint32_t free_slots() const noexcept { return static_cast<std::uint32_t>(free_.size()); }

 private:
  struct Kept {
    Batch batch{};
    std::uint32_t place = 0;
  };

  static constexpr std::uint64_t bit(std::uint32_t client) noexcept { return std::uint64_t{1} << client; }

  std::vector<std::uint64_t> holders_;  // by slot: a bit for each client
  std::vector<Kept> kept_;              // by slot
  std::vector<std::uint32_t> free_;
  std::uint32_t held_[most_clients] = {};
};

}  // namespace ringtail::share
