// The publisher's own record of who holds which slot, and of what stays lent for them. Nothing that a client writes
// gets in here unchecked.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <ringtail/batch.hpp>

#include "ring/batch_owner.hpp"
#include "share/layout.hpp"

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
    Line& line = lines_[place];
    kept_[slot] = {.batch = std::move(batch), .place = place, .loan = ++loans_, .older = line.youngest};
    (line.youngest == none ? line.oldest : kept_[line.youngest].younger) = slot;
    line.youngest = slot;
  }

  /// The slot whose batch has been kept longest of those in the memory at `place`.
  [[nodiscard]] std::optional<std::uint32_t> oldest_kept(std::uint32_t place) const noexcept {
    return lines_[place].oldest == none ? std::nullopt : std::optional(lines_[place].oldest);
  }
  /// Which of all loans that is; no two have the same number.
  [[nodiscard]] std::uint64_t loan(std::uint32_t slot) const noexcept { return kept_[slot].loan; }
  /// Whether a batch of that owner is kept in the memory at `place`. Looks at all that are.
  [[nodiscard]] bool keeps_of(std::uint32_t place, const detail::BatchOwner* owner) const noexcept {
    std::uint32_t slot = lines_[place].oldest;
    while (slot != none && kept_[slot].batch.slot()->owner != owner) slot = kept_[slot].younger;
    return slot != none;
  }
  /// What is kept for it.
  [[nodiscard]] const Batch& kept(std::uint32_t slot) const noexcept { return kept_[slot].batch; }
  /// A bit for each client that holds the slot.
  [[nodiscard]] std::uint64_t holders(std::uint32_t slot) const noexcept { return holders_[slot]; }

  /// After the last lend(): a slot that nobody took is free again.
  void settle(std::uint32_t slot) noexcept {
    if (holders_[slot] != 0) return;
    if (!kept_[slot].batch.empty()) let_go(slot);
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

  /// Those for whom a batch in the memory at `place` is kept: a bit for each client. Looks at all of these.
  [[nodiscard]] std::uint64_t holders_at(std::uint32_t place) const noexcept {
    std::uint64_t holders = 0;
    for (std::uint32_t slot = lines_[place].oldest; slot != none; slot = kept_[slot].younger) holders |= holders_[slot];
    return holders;
  }

  [[nodiscard]] std::uint32_t held(std::uint32_t client) const noexcept { return held_[client]; }

  [[nodiscard]] std::uint32_t free_slots() const noexcept { return static_cast<std::uint32_t>(free_.size()); }

 private:
  static constexpr std::uint32_t none = 0xffffffff;
  struct Kept {
    Batch batch{};
    std::uint32_t place = 0;
    std::uint64_t loan = 0;
    std::uint32_t older = none;  ///< slots kept before and after it, in the same place
    std::uint32_t younger = none;
  };
  struct Line {
    std::uint32_t oldest = none;
    std::uint32_t youngest = none;
  };

  void let_go(std::uint32_t slot) noexcept {
    Kept& kept = kept_[slot];
    Line& line = lines_[kept.place];
    (kept.older == none ? line.oldest : kept_[kept.older].younger) = kept.younger;
    (kept.younger == none ? line.youngest : kept_[kept.younger].older) = kept.older;
    kept.batch.reset();
  }

  static constexpr std::uint64_t bit(std::uint32_t client) noexcept { return std::uint64_t{1} << client; }

  std::vector<std::uint64_t> holders_;  // by slot: a bit for each client
  std::vector<Kept> kept_;              // by slot
  std::array<Line, memory_places> lines_{};
  std::vector<std::uint32_t> free_;
  std::uint64_t loans_ = 0;
  std::uint32_t held_[most_clients] = {};
};

}  // namespace ringtail::share
