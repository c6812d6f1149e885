// How much of a ring a flight recorder may hold, and what the ring must be like for that.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "settings.hpp"

namespace ringtail::daemon {

/// Of one ring.
struct FlightLimits {
  std::chrono::nanoseconds age{};             ///< older packets are given back
  std::uint64_t bytes = UINT64_MAX;           ///< of ring memory that packets fill
  std::uint32_t blocks = 1;                   ///< the others are the kernel's to write into
  std::uint32_t batches = 1;                  ///< a source has a fixed number of them
  std::chrono::nanoseconds retire_timeout{};  ///< so long may packets wait in the ring before anybody sees them
};

/// Chooses retire timeout and batches so that the age fits into the ring: on a slow link every block comes part-filled,
/// one per retire timeout. Returned: why it cannot be done.
[[nodiscard]] std::optional<std::string> fit_ring_to_flight(CaptureSettings& capture);

/// Of a capture that has a flight recorder and whose ring fits.
[[nodiscard]] FlightLimits flight_limits(const CaptureSettings& capture);

}  // namespace ringtail::daemon
