// Frames into an interface of the kernel.
#pragma once

#include <string>

#include "base/file_descriptor.hpp"
#include "ring/transmitter.hpp"

namespace ringtail::tpacket {

/// A packet socket past the queueing discipline, in which frames could be dropped unseen: here a full driver queue
/// tells (packet(7), PACKET_QDISC_BYPASS).
class PacketTransmitter final : public detail::Transmitter {
 public:
  [[nodiscard]] static Result<detail::TransmitterPointer> open(const std::string& interface);

  [[nodiscard]] Result<std::uint32_t> send(std::span<const detail::Frame> frames) override;
  void flush(std::chrono::nanoseconds /*longest*/) override {}  // what the driver took is on its way
  [[nodiscard]] std::uint32_t longest_frame_bytes() const noexcept override { return longest_frame_bytes_; }

 private:
  PacketTransmitter(std::string interface, base::FileDescriptor socket, std::uint32_t longest_frame_bytes)
      : interface_(std::move(interface)), socket_(std::move(socket)), longest_frame_bytes_(longest_frame_bytes) {}

  std::string interface_;
  base::FileDescriptor socket_;
  std::uint32_t longest_frame_bytes_;
};

}  // namespace ringtail::tpacket
