// The way out: frames handed to a device. DPDK and the kernel have one each.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <ringtail/error.hpp>

namespace ringtail::detail {

using Frame = std::span<const std::byte>;

/// An open device that frames can be sent into. Threads: one at a time.
class Transmitter {
 public:
  Transmitter() = default;
  Transmitter(const Transmitter&) = delete;
  Transmitter& operator=(const Transmitter&) = delete;
  virtual ~Transmitter() = default;

  /// Hands frames over, first to last; they are copied. Returns how many were taken: fewer, or none, while the device's
  /// queue is full. No frame is longer than longest_frame_bytes().
  [[nodiscard]] virtual Result<std::uint32_t> send(std::span<const Frame> frames) = 0;

  /// Waits until what was taken has left, as far as the device tells, and at most so long.
  virtual void flush(std::chrono::nanoseconds longest) = 0;

  [[nodiscard]] virtual std::uint32_t longest_frame_bytes() const noexcept = 0;
};

using TransmitterPointer = std::unique_ptr<Transmitter>;

}  // namespace ringtail::detail
