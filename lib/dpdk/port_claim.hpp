// Which source of this process reads which queue of which port.
#pragma once

#include <cstdint>
#include <utility>

#include "dpdk/port.hpp"

namespace ringtail::dpdk {

/// The right to read some queues of a port. The first claim opens the port, the last one closes it. Any thread: opening
/// and closing are serialised.
class PortClaim {
 public:
  /// Claims queue OpenOptions::dpdk.queue, or all of them when none is named.
  [[nodiscard]] static Result<PortClaim> open(const DeviceText& text, const OpenOptions& options);

  PortClaim(PortClaim&& other) noexcept
      : port_(std::exchange(other.port_, nullptr)),
        first_queue_(other.first_queue_),
        queue_count_(other.queue_count_) {}
  PortClaim& operator=(PortClaim&&) = delete;
  PortClaim(const PortClaim&) = delete;
  PortClaim& operator=(const PortClaim&) = delete;
  ~PortClaim();

  /// This reader takes no packet any more. With the last one the port's counters are final: what it loses from now on
  /// nobody wanted.
  void end() noexcept;
  /// This reader is going away. With the last one the device stops taking packets.
  void stop() noexcept;

  [[nodiscard]] Port& port() const noexcept { return *port_; }
  [[nodiscard]] std::uint16_t first_queue() const noexcept { return first_queue_; }
  [[nodiscard]] std::uint16_t queue_count() const noexcept { return queue_count_; }

 private:
  PortClaim(Port& port, std::uint16_t first_queue, std::uint16_t queue_count) noexcept
      : port_(&port), first_queue_(first_queue), queue_count_(queue_count) {}

  /// Its queues are read no more. True when no other queue of the port is read. The ports are locked.
  bool leave() noexcept;

  Port* port_;
  std::uint16_t first_queue_;
  std::uint16_t queue_count_;
};

}  // namespace ringtail::dpdk
