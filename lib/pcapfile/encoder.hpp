// Encoders turn packets into finished file bytes. Two families, because there are two kinds of memory to write into:
//
//   WindowEncoder    copies packets into memory that somebody else provides: a staging buffer, a window of an mmap'd
//                    file
//   InPlaceEncoder   turns the ring block a packet stands in into file bytes, moving nothing (dilate) or little
//                    (compact)
//
// Both only know bytes: no descriptors, no system calls, no allocation per packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <ringtail/packet.hpp>

#include "ring/batch_slot.hpp"

namespace ringtail::pcapfile {

/// How ids of a source's interfaces become ids of the file: index by PacketDescriptor::interface_id. Classic pcap has
/// no interface ids and ignores it.
using InterfaceMap = std::span<const std::uint32_t>;

struct Encoded {
  std::uint32_t packets = 0;  ///< how many of the given packets are in the window
  std::size_t bytes = 0;      ///< how much of the window they fill
};

class WindowEncoder {
 public:
  virtual ~WindowEncoder() = default;

  /// Encodes as many whole packets as fit. 0 packets means not even the first one fits.
  [[nodiscard]] virtual Encoded encode(std::span<const PacketDescriptor> packets, const std::byte* memory_base,
                                       InterfaceMap interfaces, std::span<std::byte> window) noexcept = 0;

  /// Upper bound of one packet's record, framing included.
  [[nodiscard]] virtual std::size_t record_bytes(std::uint32_t captured_length) const noexcept = 0;
};

/// What a block has become. Offsets are from InPlace::base.
struct EncodedBlock {
  std::uint32_t begin = 0;  ///< the file bytes are [begin, end); begin is carry_offset or first_offset
  std::uint32_t end = 0;
  bool dilated = false;            ///< otherwise compacted
  std::uint64_t copied_bytes = 0;  ///< packet bytes that had to move
};

/// Encodes one block: begin(), then add() for each of its batches in order, then finish(). Destroys the kernel's
/// headers, so every descriptor must have been made before (they have: a batch carries them). Batches of the same block
/// that the source has not lent yet are not harmed. IN_PLACE.md draws what becomes of the bytes.
class InPlaceEncoder {
 public:
  virtual ~InPlaceEncoder() = default;

  /// `carried_bytes` of finished file bytes already stand at block.carry_offset and go in front: what was left over of
  /// the chunk before, a file header, metadata blocks. They end before block.first_offset; in pcapng they are a
  /// multiple of 4.
  virtual void begin(const detail::InPlace& block, std::uint32_t carried_bytes) noexcept = 0;

  /// Whether add() would leave these packets where they are, as it has to while somebody else reads them. `begins`: as
  /// the first ones of a block; otherwise behind those that the block has already.
  [[nodiscard]] virtual bool leaves_in_place(std::span<const PacketDescriptor> packets, bool begins) const noexcept = 0;

  /// The next packets of the block, in the order they lie in it; some in between may be missing.
  virtual void add(std::span<const PacketDescriptor> packets, InterfaceMap interfaces) noexcept = 0;

  /// The block's file bytes. `alignment` is 1 or a power of two that divides the block's offsets. Above 1 the end is
  /// padded up to a multiple of it, in a way the format's readers skip, and nothing behind the last packet survives; a
  /// format that cannot pad (classic pcap) ends where it ends. With 1 the bytes end with the last packet's record, and
  /// packets behind it, if there are any, are still whole.
  [[nodiscard]] virtual EncodedBlock finish(std::uint32_t alignment) noexcept = 0;
};

}  // namespace ringtail::pcapfile
