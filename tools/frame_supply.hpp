// Where the frames of `ringtail send` come from.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ringtail/source.hpp>

#include "ring/transmitter.hpp"

namespace ringtail::tools {

/// Threads: one.
class FrameSupply {
 public:
  FrameSupply() = default;
  FrameSupply(const FrameSupply&) = delete;
  FrameSupply& operator=(const FrameSupply&) = delete;
  virtual ~FrameSupply() = default;

  /// The next frames, at most `most` (1 or more). They stay as they are until the next call. None: there are no more.
  [[nodiscard]] virtual Result<std::span<const detail::Frame>> next(std::uint32_t most) = 0;
};

/// What is made where no file is played.
struct GeneratedTraffic {
  std::uint32_t frame_bytes = 64;  ///< smallest_generated_bytes or more
  std::uint32_t flows = 1;         ///< of so many UDP source ports, in turn; 1 to 50,000
};

/// Ethernet, IPv4, UDP and a number of eight bytes.
inline constexpr std::uint32_t smallest_generated_bytes = 14 + 20 + 8 + 8;

/// IPv4/UDP frames from 10.0.0.1 to 10.0.0.2, port 9 (discard), that carry their number, from 0, behind the UDP header
/// in network byte order.
[[nodiscard]] std::unique_ptr<FrameSupply> generate_frames(const GeneratedTraffic& traffic);

/// The Ethernet frames of a capture file, `rounds` times; as many bytes of each as the file holds.
[[nodiscard]] Result<std::unique_ptr<FrameSupply>> replay_frames(const std::string& path, std::uint64_t rounds);

}  // namespace ringtail::tools
