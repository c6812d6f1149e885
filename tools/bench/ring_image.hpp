// Ring blocks as the kernel fills them, made once and copied into the ring over and over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/traffic.hpp"
#include "tpacket/geometry.hpp"

namespace ringtail::bench {

/// A few different full blocks. Every field that a reader looks at is as tpacket_rcv() and prb_fill_curr_block()
/// (linux net/packet/af_packet.c) write it for an untagged Ethernet frame; only the status word is still the kernel's.
class RingImage {
 public:
  struct Block {
    std::vector<std::byte> bytes;  ///< from the block's start to the end of its last record
    std::uint64_t packets = 0;
    std::uint64_t captured_bytes = 0;
  };

  RingImage(const tpacket::Geometry& geometry, const Traffic& traffic);

  /// The contents of the ring's block number `sequence`, counted from 0 and without end.
  [[nodiscard]] const Block& block(std::uint64_t sequence) const noexcept { return blocks_[sequence % blocks_.size()]; }

 private:
  std::vector<Block> blocks_;
};

}  // namespace ringtail::bench
