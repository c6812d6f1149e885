// What is sent and recorded: frames of one size, or the sizes of the internet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ringtail/error.hpp>

namespace ringtail::bench {

using Frame = std::vector<std::byte>;

/// Frames that are used over and over, in order. Immutable.
class Traffic {
 public:
  static constexpr std::uint32_t smallest_frame_bytes = 60;
  static constexpr std::uint32_t largest_frame_bytes = 9000;

  /// "64" to "9000": bytes per frame, Ethernet header included, check sequence not (60 is the least there is on a
  /// wire). "mix": the simple internet mix, 7 frames of 64 bytes to 4 of 594 and 1 of 1514.
  [[nodiscard]] static Result<Traffic> parse(const std::string& name);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::span<const Frame> frames() const noexcept { return frames_; }
  [[nodiscard]] double mean_frame_bytes() const noexcept;

 private:
  std::string name_;
  std::vector<Frame> frames_;
};

}  // namespace ringtail::bench
