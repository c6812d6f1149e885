// What a worker shows of itself a few times a second. Plain memory: it is copied as it is (ring/published.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <ringtail/recorder_figures.hpp>
#include <ringtail/stats.hpp>

#include "settings.hpp"

namespace ringtail::daemon {

/// Text of a bounded length, cut where it is longer.
template <std::size_t bytes>
struct ShortText {
  std::array<char, bytes> characters{};

  void set(std::string_view text) noexcept {
    characters.fill('\0');
    std::memcpy(characters.data(), text.data(), std::min(text.size(), bytes - 1));
  }
  [[nodiscard]] std::string_view view() const noexcept { return characters.data(); }
};

/// One ring of the worker, and those that were there before it.
struct SlotFigures {
  Stats stats{};
  std::uint64_t most_unread = 0;  ///< that were seen waiting in one of its rings, when figures were shown
  bool has_ended = false;         ///< it has delivered all it had
  bool has_failed = false;
};

struct WorkerFigures {
  std::int64_t shown_at_ns = 0;  ///< by the steady clock; 0: nothing was shown yet
  std::array<SlotFigures, most_devices> slots{};
  RecorderFigures recorded{};  ///< dropped_writer: also what there was no recorder for
  std::uint64_t discarded_paused = 0;
  std::uint64_t held_packets = 0;  ///< in a flight recorder
  std::uint64_t held_bytes = 0;
  std::uint64_t held_ns = 0;  ///< how long the oldest has been
  std::uint64_t expired_packets = 0;
  ShortText<16> writer{};
  ShortText<240> failure{};  ///< of the output; empty: none
  bool is_paused = false;
  std::uint64_t late_packets = 0;  ///< written behind later ones, though they were to be in order
};

}  // namespace ringtail::daemon
