// A packet as every source describes it: 40 bytes that mean the same in C, in C++ and in shared memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ringtail {

/// Bits of PacketDescriptor::flags.
namespace packet_flags {
inline constexpr std::uint32_t direction_mask = 0x3;  ///< one of the three below, or 0 for "not known"
inline constexpr std::uint32_t inbound = 0x1;         ///< the values are those of pcapng's epb_flags, bits 0-1
inline constexpr std::uint32_t outbound = 0x2;
inline constexpr std::uint32_t reception_mask = 0x1c;  ///< pcapng epb_flags bits 2-4: how the frame was addressed
inline constexpr std::uint32_t unicast = 0x04;
inline constexpr std::uint32_t multicast = 0x08;
inline constexpr std::uint32_t broadcast = 0x0c;
inline constexpr std::uint32_t promiscuous = 0x10;
inline constexpr std::uint32_t pcapng_mask = direction_mask | reception_mask;  ///< what goes into epb_flags as it is

inline constexpr std::uint32_t rx_hash_valid = 1U << 16;  ///< rx_hash holds the kernel's or the NIC's flow hash
inline constexpr std::uint32_t vlan_restored = 1U << 17;  ///< vlan_tci/vlan_tpid are set and the tag is in the bytes
inline constexpr std::uint32_t hardware_timestamp = 1U << 18;  ///< timestamp_ns is the adapter's own clock
inline constexpr std::uint32_t truncated = 1U << 19;           ///< cut for want of room, not by the snaplen
inline constexpr std::uint32_t after_loss = 1U << 20;          ///< packets were lost before this one (kernel: LOSING)
inline constexpr std::uint32_t checksum_missing = 1U << 21;    ///< checksum not filled in yet (offload, local sender)
inline constexpr std::uint32_t checksum_valid = 1U << 22;      ///< the kernel or the NIC has checked it
}  // namespace packet_flags

/// What a source says about one packet. The bytes lie at `offset` from the batch's memory base.
///
///      0               8               16      20      24      28      32    34    36    38    40
///      | offset        | timestamp_ns  | capt. | wire  | hash  | flags | tci | tpid| if  | que |
struct PacketDescriptor {
  std::uint64_t offset;           ///< from the batch's memory base, in bytes
  std::uint64_t timestamp_ns;     ///< since 1970-01-01 UTC; not monotonic, not even inside a batch
  std::uint32_t captured_length;  ///< bytes there are to read
  std::uint32_t wire_length;      ///< bytes there were on the wire; >= captured_length
  std::uint32_t rx_hash;          ///< flow hash, where packet_flags::rx_hash_valid
  std::uint32_t flags;            ///< packet_flags
  std::uint16_t vlan_tci;         ///< metadata only: the tag itself is back in the bytes
  std::uint16_t vlan_tpid;        ///< 0x8100, 0x88a8, ...
  std::uint16_t interface_id;     ///< index into Source::interface()
  std::uint16_t queue;            ///< receive queue (DPDK only: TPACKET_V3 has none)
};
static_assert(sizeof(PacketDescriptor) == 40);
static_assert(offsetof(PacketDescriptor, captured_length) == 16);
static_assert(offsetof(PacketDescriptor, flags) == 28);
static_assert(offsetof(PacketDescriptor, interface_id) == 36);

/// A borrowed look at one packet. Valid as long as the Batch it came from; copying it copies no packet bytes.
class PacketView {
 public:
  PacketView(const PacketDescriptor& descriptor, const std::byte* memory_base) noexcept
      : descriptor_(&descriptor), memory_base_(memory_base) {}

  /// The captured bytes, from the link-layer header on.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data(), descriptor_->captured_length}; }
  [[nodiscard]] const std::byte* data() const noexcept { return memory_base_ + descriptor_->offset; }
  [[nodiscard]] std::uint64_t timestamp_ns() const noexcept { return descriptor_->timestamp_ns; }
  [[nodiscard]] std::uint32_t captured_length() const noexcept { return descriptor_->captured_length; }
  [[nodiscard]] std::uint32_t wire_length() const noexcept { return descriptor_->wire_length; }
  [[nodiscard]] std::uint32_t rx_hash() const noexcept { return descriptor_->rx_hash; }
  [[nodiscard]] std::uint32_t flags() const noexcept { return descriptor_->flags; }
  [[nodiscard]] std::uint16_t vlan_tci() const noexcept { return descriptor_->vlan_tci; }
  [[nodiscard]] std::uint16_t vlan_tpid() const noexcept { return descriptor_->vlan_tpid; }
  [[nodiscard]] std::uint16_t interface_id() const noexcept { return descriptor_->interface_id; }
  [[nodiscard]] std::uint16_t queue() const noexcept { return descriptor_->queue; }
  [[nodiscard]] const PacketDescriptor& descriptor() const noexcept { return *descriptor_; }

 private:
  const PacketDescriptor* descriptor_;
  const std::byte* memory_base_;
};

}  // namespace ringtail
