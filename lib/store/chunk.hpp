// Finished file bytes on their way to a sink: a chunk of them in one place, with whoever owns the memory they stand in;
// or in pieces, one for each packet, which stays where it arrived.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <sys/uio.h>

#include <ringtail/batch.hpp>

#include "store/staging.hpp"

namespace ringtail::store {

/// Contiguous and move-only. Whoever holds the chunk holds the memory; destroying it gives the memory back: the ring
/// block to the kernel (through the batch), the staging buffer to its pool.
struct Chunk {
  std::span<const std::byte> bytes;
  Batch block;            ///< the last batch of the block that became these bytes, or empty
  StagingBuffer staging;  ///< or the buffer the bytes were copied into, or empty
  std::uint32_t packets = 0;
  std::uint64_t captured_bytes = 0;
  std::chrono::steady_clock::time_point handed_over_at{};  ///< when the sink got it
  std::uint32_t hold_limit = 1;  ///< so many chunks of this kind may be out at once before their owner runs short
};

/// Borrowed: the memory is the caller's, and free again when the sink's call returns.
struct PieceChunk {
  std::span<const iovec> pieces;  ///< each the whole record of one packet
  std::uint64_t bytes = 0;        ///< of all of them
  std::span<const PacketDescriptor> packets;
};

}  // namespace ringtail::store
