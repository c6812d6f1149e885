// What stands behind a Batch: the descriptors, and the way home.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <ringtail/packet.hpp>

namespace ringtail::detail {

class BatchOwner;

/// The writable memory a batch lies in, for encoders that turn it into file bytes where it stands. Offsets are from
/// `base`, in bytes. Only kernel-ring batches have one.
///
///   base      carry_offset     first_offset                begin_offset                               limit_offset
///   | header  | free for us    | records of earlier batches | this batch's records | later ones | slack |
///
/// The records of a block are walked front to back, one batch after the other; everything before begin_offset belongs
/// to batches that were handed out before this one. Who writes where, while others read (and on whatever thread):
///
/// - The source writes into records that it has not handed out, and into nothing else.
/// - An encoder writes up to 31 bytes behind the last packet it was given. What the source has to know of the next
///   record it has read by then, and that one's packet begins at least 36 bytes behind.
/// - A batch with more than one holder is read by others: its packets stay where they are. Batches are shared before
///   they are handed on, so who holds the only one (BatchSlot::is_shared()) stays the only holder.
struct InPlace {
  std::byte* base = nullptr;       ///< null: this memory must not be written
  std::uint32_t carry_offset = 0;  ///< from here to first_offset is free for the encoder, nobody's data
  std::uint32_t first_offset = 0;  ///< where the block's first record begins
  std::uint32_t begin_offset = 0;  ///< where this batch's first record begins
  std::uint32_t end_offset = 0;    ///< where the record behind this batch begins, or the block ends
  /// Packet data of the record behind this batch, as the kernel left it; 0: the batch ends the block.
  std::uint32_t next_data_offset = 0;
  std::uint32_t limit_offset = 0;  ///< end of the block; the last packet ends at least 28 bytes before it
  std::uint32_t block_count = 0;   ///< blocks in the ring; whoever holds many of them is in the producer's way

  [[nodiscard]] bool available() const noexcept { return base != nullptr; }
  [[nodiscard]] bool is_first() const noexcept { return begin_offset == first_offset; }
  [[nodiscard]] bool is_last() const noexcept { return next_data_offset == 0; }
};

/// Memory around each packet of a batch that nobody reads: an encoder that puts a record's head and end there makes
/// file bytes of a packet without moving it. Only mbufs have such (BatchOwner::margins()).
///
///   | .. | front_bytes | captured bytes | back_bytes | .. |
struct Margins {
  std::byte* base = nullptr;      ///< what the descriptors' offsets count from; null: nothing may be written
  std::uint32_t front_bytes = 0;  ///< in front of every packet of the batch
  std::uint32_t back_bytes = 0;   ///< and behind it
};

/// One loan. Belongs to a BatchPool; written by the receiving thread before it is lent, read by the holder afterwards.
struct BatchSlot {
  BatchOwner* owner = nullptr;
  PacketDescriptor* descriptors = nullptr;  ///< the pool's memory, room for batch_packets
  const std::byte* memory_base = nullptr;   ///< what the descriptors' offsets count from
  std::uint32_t count = 0;
  std::uint32_t index = 0;        ///< of this slot in its pool
  std::uint32_t block_index = 0;  ///< the owner's mark: the block whose loan this is
  InPlace in_place;
  std::atomic<std::uint32_t> holders{1};  ///< batches of this loan; more than one since share()

  /// The loan that this one is a part of, where an owner passes on what it was lent itself.
  const BatchSlot* passed_on = nullptr;

  [[nodiscard]] const BatchSlot& source() const noexcept { return passed_on != nullptr ? *passed_on : *this; }
  /// Somebody else may still read the packets. Once false it stays so, for whoever holds the batch.
  [[nodiscard]] bool is_shared() const noexcept {
    // Acquire pairs with the release in detail::release(): their last reads are over.
    return holders.load(std::memory_order_acquire) != 1 || (passed_on != nullptr && passed_on->is_shared());
  }
};

}  // namespace ringtail::detail
