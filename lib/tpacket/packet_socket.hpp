// An AF_PACKET socket with its mapped ring, set up once in a fixed order and never reconfigured (FAULTS: most AF_PACKET
// kernel bugs are races on reconfiguration), except for ending the inflow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>

#include "base/file_descriptor.hpp"
#include "base/mapping.hpp"
#include "tpacket/geometry.hpp"
#include "tpacket/hardware_timestamps.hpp"
#include "tpacket/socket_filter.hpp"

namespace ringtail::tpacket {

struct SocketSettings {
  std::string device;                 ///< for messages
  std::uint32_t interface_index = 0;  ///< 0: all interfaces
  Geometry geometry;
  Instructions filter;
  bool promiscuous = true;
  TimestampType timestamp_type = TimestampType::host;
  bool fill_rx_hash = false;
  bool lock_filter = true;
  std::optional<Fanout> fanout;
  int numa_node = -1;  ///< where the ring memory should lie; negative: anywhere
};

/// What the kernel counted since the last time it was asked (packet(7), PACKET_STATISTICS: reading clears).
struct KernelCounts {
  std::uint32_t packets = 0;  ///< drops included
  std::uint32_t drops = 0;
  std::uint32_t freezes = 0;
};

/// Threads: set-up and stop_inflow() on one at a time; read_counts() on any, by one owner of the sums.
class PacketSocket {
 public:
  /// Opens, maps and binds. Nothing is captured before arm(): with a fanout group all members join first, or the first
  /// one would see the others' packets too.
  [[nodiscard]] static Result<PacketSocket> open(SocketSettings settings);

  /// Attaches the real filter: packets flow from here on.
  [[nodiscard]] Result<void> arm();

  /// Ends the inflow. True: nothing more can arrive. False: a packet that already passed the filter may still be on
  /// its way (fanout members cannot be rebound, so their filter is exchanged).
  [[nodiscard]] bool stop_inflow() noexcept;

  [[nodiscard]] KernelCounts read_counts() const noexcept;

  /// The pending socket error (ENETDOWN when the interface went down), 0 if none. Reading clears it.
  [[nodiscard]] int take_error() const noexcept;

  /// True when the interface the socket was bound to is gone for good: the kernel never binds it again by itself.
  [[nodiscard]] bool has_lost_interface() const noexcept;

  [[nodiscard]] std::uint16_t fanout_group() const noexcept { return fanout_group_; }
  [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }
  /// No other socket has it as long as anybody has this one open, or mapped.
  [[nodiscard]] std::uint64_t inode() const noexcept { return inode_; }
  [[nodiscard]] std::span<std::byte> ring() const noexcept { return ring_.memory(); }

 private:
  PacketSocket(SocketSettings settings, base::FileDescriptor socket)
      : settings_(std::move(settings)), socket_(std::move(socket)) {}

  [[nodiscard]] Error error(const std::string& what, int error_number, std::string remedy = {}) const;
  [[nodiscard]] Result<void> set_option(int option, const void* value, std::size_t bytes, const std::string& what,
                                        const std::string& remedy = {});
  [[nodiscard]] Result<void> attach(Instructions& program);
  [[nodiscard]] Result<void> make_ring();
  [[nodiscard]] Result<void> set_timestamps();
  [[nodiscard]] Result<void> join_promiscuous();
  [[nodiscard]] Result<void> bind(std::uint16_t protocol);
  [[nodiscard]] Result<void> join_fanout();

  SocketSettings settings_;
  base::FileDescriptor socket_;
  std::optional<HardwareTimestamps> hardware_timestamps_;  // asks through socket_, so it goes first
  base::Mapping ring_;
  std::uint16_t fanout_group_ = 0;
  std::uint64_t inode_ = 0;
};

}  // namespace ringtail::tpacket
