// What a worker shows of itself a few times a second. Plain memory: it is copied as it is (ring/published.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <ringtail/recorder_figures.hpp>
#include <ringtail/stats.hpp>

#include "settings.hpp"

namespace ringtail::daemon {

/// How often each side shows its figures.
constexpr std::chrono::milliseconds publish_interval{200};

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
};

/// Of the side that receives.
struct ReceivingFigures {
  std::int64_t shown_at_ns = 0;  ///< by the steady clock; 0: nothing was shown yet
  std::array<SlotFigures, most_devices> slots{};
  std::uint64_t handed_over_packets = 0;  ///< to be written
  std::uint64_t dropped_packets = 0;      ///< not handed over, as the writer held too much already
  std::uint64_t discarded_paused = 0;
  std::uint64_t held_packets = 0;  ///< in a flight recorder
  std::uint64_t held_bytes = 0;
  std::uint64_t held_ns = 0;  ///< how long the oldest has been
  std::uint64_t expired_packets = 0;
  bool is_paused = false;
  bool is_blind = false;  ///< it cannot wait for packets, for want of descriptors, and tries again
};

/// Of the side that writes.
struct WritingFigures {
  std::int64_t shown_at_ns = 0;
  RecorderFigures recorded{};  ///< dropped_writer: also what there was no recorder for
  ShortText<16> writer{};
  ShortText<240> failure{};        ///< of the output; empty: none
  std::uint64_t late_packets = 0;  ///< written behind later ones, though they were to be in order
};

/// Both. The two sides show what they have counted at different times, and here they are made to agree:
/// what was delivered = recorded.written_packets + recorded.dropped_writer + discarded_paused + what a flight recorder
/// has, had, or has dumped.
struct WorkerFigures : ReceivingFigures {
  RecorderFigures recorded{};
  std::uint64_t waiting_packets = 0;  ///< of those written: the recorder does not have them yet
  std::int64_t written_at_ns = 0;     ///< when the writing side showed its figures
  ShortText<16> writer{};
  ShortText<240> failure{};
  std::uint64_t late_packets = 0;

  /// `writing` was read first.
  [[nodiscard]] static WorkerFigures of(const ReceivingFigures& receiving, const WritingFigures& writing);
};

}  // namespace ringtail::daemon
