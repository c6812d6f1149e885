// The sender: the same for every contestant, on a CPU of its own.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <ringtail/error.hpp>

#include "base/deadline.hpp"
#include "base/file_descriptor.hpp"
#include "bench/traffic.hpp"

namespace ringtail::bench {

struct Sent {
  std::uint64_t frames = 0;  ///< that the interface took
  double seconds = 0;

  [[nodiscard]] double frames_per_second() const noexcept {
    return seconds > 0 ? static_cast<double>(frames) / seconds : 0;
  }
};

/// Sends the frames of a traffic over and over. Runs in the caller's thread; on a virtual link that thread also does
/// the receiving side's kernel work, up to and including the copy into a ring.
class FrameSender {
 public:
  /// `traffic` outlives the sender.
  [[nodiscard]] static Result<FrameSender> open(const std::string& interface, const Traffic& traffic);

  /// Sends `count` frames in order. `frames_per_second` 0: as fast as it goes; else evenly, in bursts of at most 64
  /// where it has fallen behind. Ends early at the deadline or when Ctrl-C is pressed; an error when the interface
  /// refuses for another reason than having no room.
  [[nodiscard]] Result<Sent> send(std::uint64_t count, double frames_per_second, const base::Deadline& deadline);

 private:
  FrameSender(base::FileDescriptor socket, const Traffic& traffic)
      : socket_(std::move(socket)), frames_(traffic.frames()) {}

  [[nodiscard]] Result<std::uint32_t> send_some(std::uint32_t most);

  base::FileDescriptor socket_;
  std::span<const Frame> frames_;
  std::size_t position_ = 0;  // in frames_
};

}  // namespace ringtail::bench
