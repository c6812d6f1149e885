// The loop of `ringtail send`: frames from a supply into a device, at a rate, until an end.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "frame_supply.hpp"
#include "ring/transmitter.hpp"

namespace ringtail::tools {

struct SendLimits {
  std::optional<std::uint64_t> frames;    ///< exactly so many, if the supply has them
  std::chrono::nanoseconds duration{-1};  ///< negative: no end
  double frames_per_second = 0;           ///< 0: as fast as the device takes them
};

struct SendAccount {
  std::uint64_t sent_packets = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t too_long = 0;    ///< frames that the device does not take for their length: left out
  std::uint32_t longest = 0;     ///< bytes of a frame that it takes
  std::uint64_t queue_full = 0;  ///< times that the device took less than it was given; the rest was offered again
  double elapsed_seconds = 0;
  std::optional<Error> error;
};

/// Sends until a limit is reached, the supply is empty, something fails, or `wants_end` says so; it is asked often.
[[nodiscard]] SendAccount send_frames(FrameSupply& supply, detail::Transmitter& device, const SendLimits& limits,
                                      const std::function<bool()>& wants_end);

}  // namespace ringtail::tools
