// How a source is opened. Every field has a default that suits a first capture.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace ringtail {

enum class Direction : std::uint8_t { inout, in, out };

enum class TimestampType : std::uint8_t {
  host,              ///< the kernel's clock, taken when the packet is received
  adapter,           ///< the adapter's clock, synchronised with the host's; falls back to host per packet, marked
  adapter_unsynced,  ///< the adapter's clock, whatever it says
};

/// How the kernel spreads packets over the members of a fanout group (packet(7), PACKET_FANOUT_*).
enum class FanoutMode : std::uint8_t { hash, load_balance, cpu, rollover, random, queue_mapping };

struct Fanout {
  FanoutMode mode = FanoutMode::hash;
  std::optional<std::uint16_t> group{};  ///< members share it; none: the kernel picks a free one (needs one opener)
  bool rollover_when_full = false;       ///< a full member's packets go to the next (PACKET_FANOUT_FLAG_ROLLOVER)
  /// Reassemble IPv4 fragments before hashing (PACKET_FANOUT_FLAG_DEFRAG), so that all parts of a flow meet the same
  /// member. What is captured is then the reassembled packet, not the frames of the wire.
  bool defragment = false;

  [[nodiscard]] bool operator==(const Fanout&) const = default;
};

/// Where memory and threads are placed.
inline constexpr int numa_automatic = -1;  ///< the node of the interface, as the kernel reports it
inline constexpr int numa_off = -2;        ///< leave everything to the kernel

/// For "dpdk:" devices. The first three are DPDK's own and the same for all sources of a process.
struct DpdkOptions {
  std::string eal_arguments{};             ///< passed to rte_eal_init, split at white space
  bool huge_pages = true;                  ///< false: --no-huge
  std::string file_prefix{};               ///< empty: no files at all (--in-memory), so no other process can join
  std::uint16_t queues = 1;                ///< receive queues of the port
  std::optional<std::uint16_t> queue{};    ///< read only this one; several sources may share a port. None: all
  std::uint16_t descriptors = 1024;        ///< per queue; the device may round it
  std::uint16_t mtu = 0;                   ///< 0: as it is
  bool lendable = false;                   ///< packets arrive in memory that a daemon can lend to other processes
  std::chrono::milliseconds link_wait{0};  ///< wait in open() this long for the link to come up

  [[nodiscard]] bool operator==(const DpdkOptions&) const = default;
};

struct OpenOptions {
  std::string filter{};                              ///< pcap-filter(7) text; empty: everything
  std::uint32_t snaplen = 262144;                    ///< captured bytes per packet, 1 to 262144
  bool promiscuous = true;                           ///< not applied to "any"
  std::size_t buffer_bytes = std::size_t{64} << 20;  ///< ring memory; rounded down to whole blocks, at least 2
  std::size_t block_bytes = std::size_t{1} << 20;    ///< a power of two, at least the page size
  /// When a part-filled block is handed over; 1 ms to 10 s. On a busy ring of 16 blocks and more a full one may be
  /// noticed a twenty-fifth of it late: many at a time are cheaper.
  std::chrono::milliseconds retire_timeout{100};
  std::uint32_t batch_packets = 256;  ///< packets per batch at most; 1 to 65536
  Direction direction = Direction::inout;
  TimestampType timestamp_type = TimestampType::host;
  std::optional<Fanout> fanout{};            ///< set: this source is one member of a group
  std::optional<std::uint16_t> link_type{};  ///< pcap LINKTYPE_ value; only one that the device offers
  bool wait_for_interface = false;           ///< carry on when interface or publisher go away, until they are back
  bool flow_hash = false;                    ///< have the kernel compute rx_hash (costs it time per packet)
  bool lock_filter = true;                   ///< SO_LOCK_FILTER once set up (not in a fanout group)
  bool busy_poll = false;                    ///< dpdk:, ringtail: never sleep between two looks; no descriptor to poll
  int numa_node = numa_automatic;
  DpdkOptions dpdk{};

  [[nodiscard]] bool operator==(const OpenOptions&) const = default;
};

}  // namespace ringtail
