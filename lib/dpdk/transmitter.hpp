// Frames into a DPDK port.
#pragma once

#include <string>
#include <string_view>

#include <ringtail/options.hpp>

#include "dpdk/mbuf_pool.hpp"
#include "dpdk/port_claim.hpp"
#include "ring/transmitter.hpp"

namespace ringtail::dpdk {

/// Opens "dpdk:<pci address or vdev arguments>" to send into; starts DPDK the first time. OpenOptions::dpdk.link_wait
/// says how long a link may take to come up; without one nothing can be sent, which is an error. Any thread.
[[nodiscard]] Result<ringtail::detail::TransmitterPointer> open_transmitter(std::string_view device,
                                                                            const OpenOptions& options);

/// Copies every frame into an mbuf of its own pool; the device gives the mbuf back when the frame has left.
class DpdkTransmitter final : public ringtail::detail::Transmitter {
 public:
  DpdkTransmitter(MbufPool pool, PortClaim claim, std::uint32_t longest_frame_bytes)
      : pool_(std::move(pool)), claim_(std::move(claim)), longest_frame_bytes_(longest_frame_bytes) {}

  [[nodiscard]] Result<std::uint32_t> send(std::span<const ringtail::detail::Frame> frames) override;
  void flush(std::chrono::nanoseconds longest) override;
  [[nodiscard]] std::uint32_t longest_frame_bytes() const noexcept override { return longest_frame_bytes_; }

 private:
  void take_back_sent() noexcept;

  // In this order: closing the port returns the mbufs that the device still holds.
  MbufPool pool_;
  PortClaim claim_;
  std::uint32_t longest_frame_bytes_;
};

}  // namespace ringtail::dpdk
