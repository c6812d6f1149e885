// Walks the blocks of a TPACKET_V3 ring and makes batches of what it finds. Pure memory: no system call, so the real
// kernel and the tests' fake kernel can stand on the other side alike.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <linux/if_packet.h>
#include <memory>
#include <span>

#include <ringtail/batch.hpp>
#include <ringtail/error.hpp>

#include "ring/backend.hpp"
#include "ring/batch_pool.hpp"
#include "ring/block_ledger.hpp"
#include "tpacket/block_pace.hpp"
#include "tpacket/geometry.hpp"

namespace ringtail::tpacket {

/// Finds the file-wide id of an interface the first time a packet of it turns up. May make system calls: it is asked
/// once per new interface, not per packet.
class InterfaceResolver {
 public:
  virtual ~InterfaceResolver() = default;
  /// `hardware_type` is the ARPHRD_ value the packet came with.
  [[nodiscard]] virtual std::uint16_t resolve(std::uint32_t interface_index, std::uint16_t hardware_type) = 0;
};

enum class Look : std::uint8_t {
  packets,  ///< a slot was filled
  nothing,  ///< the kernel still owns the next block
  held,     ///< the next block, or every batch slot, is still lent
};

/// Threads: next() and packets_waiting() belong to the receiving thread; release() to any.
class RingReader {
 public:
  /// `ring` is geometry.ring_bytes() long and outlives the reader. `has_rx_hash`: the kernel was asked to fill in
  /// tp_rxhash.
  [[nodiscard]] static Result<RingReader> create(detail::Backend& owner, InterfaceResolver& resolver,
                                                 std::span<std::byte> ring, const Geometry& geometry,
                                                 std::uint32_t batch_packets, bool has_rx_hash);

  /// Fills a slot with the next packets of the current block, in order. On Look::packets `slot` is to be lent, and
  /// `captured_bytes` is the sum of its captured lengths.
  [[nodiscard]] Look next(detail::BatchSlot*& slot, std::uint64_t& captured_bytes);

  /// Of the block that came last. Zeros before the first.
  [[nodiscard]] const BlockTimes& last_block() const noexcept { return last_block_; }

  /// Takes a lent slot back; its block goes back to the kernel with the last of its holders.
  void release(detail::BatchSlot& slot) noexcept;

  /// How far the walk and the kernel have come behind the slot's block. Any thread that holds a batch of it.
  [[nodiscard]] detail::LoanAge age_of(const detail::BatchSlot& slot) const noexcept;

  /// Whether the batch that next() made last had better be lent where it lies: the ring is large enough for that, the
  /// block too full to be copied lightly, and there are batch slots enough for the rest of the traffic.
  [[nodiscard]] bool is_worth_lending() const noexcept;

  /// True when the block the kernel is filling has packets in it, as far as one can see from here.
  [[nodiscard]] bool kernel_block_has_packets() const noexcept;

  /// Any thread.
  [[nodiscard]] detail::Credit credit() const noexcept {
    return {.batches = pool_.slots(), .blocks = geometry_.block_count};
  }
  [[nodiscard]] std::uint64_t truncated() const noexcept { return truncated_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t malformed() const noexcept { return malformed_.load(std::memory_order_relaxed); }

  RingReader(RingReader&& other) noexcept;

 private:
  RingReader(InterfaceResolver& resolver, std::span<std::byte> ring, const Geometry& geometry, bool has_rx_hash,
             ring::BatchPool pool);

  /// A record of the current block whose offsets have been checked.
  struct Record {
    std::uint32_t begin = 0;            // of its tpacket3_hdr, from the block's start
    std::uint32_t data = 0;             // of its packet bytes, likewise; a tag that goes back in included
    std::uint32_t to_next = 0;          // tp_next_offset
    std::uint32_t captured_length = 0;  // tp_snaplen
    bool restores_tag = false;
  };

  [[nodiscard]] std::byte* block(std::uint32_t index) const noexcept {
    return ring_.data() + std::size_t{index} * geometry_.block_bytes;
  }
  [[nodiscard]] Look open_block() noexcept;
  [[nodiscard]] bool begin_walk(std::uint32_t packets) noexcept;
  void end_walk() noexcept;
  void give_back(std::uint32_t block_index) noexcept;
  [[nodiscard]] std::uint64_t fill(detail::BatchSlot& slot);
  [[nodiscard]] bool read_record(std::uint32_t begin, std::uint32_t packets_left, Record& record) const noexcept;
  void describe(std::byte* block_memory, const Record& record, PacketDescriptor& descriptor) noexcept;
  void describe_tag(std::byte* block_memory, const tpacket3_hdr& header, PacketDescriptor& descriptor) const noexcept;
  void describe_ahead(std::byte* block_memory);
  [[nodiscard]] bool knows_interface(const sockaddr_ll& address) noexcept;
  void learn_interface(const sockaddr_ll& address);

  InterfaceResolver* resolver_;
  std::span<std::byte> ring_;
  Geometry geometry_;
  ring::BatchPool pool_;
  ring::BlockLedger ledger_;
  bool has_rx_hash_;

  // The walk over block `current_`, while walking_: `left_` packets have not been handed out, `ahead_` is the first of
  // them, read and checked already, so that a batch can say where the packet behind it begins. Behind a batch it is
  // described, too: whoever writes that batch in place may write over the header of the record behind it.
  bool walking_ = false;
  std::uint32_t current_ = 0;
  std::uint32_t left_ = 0;
  Record ahead_;
  bool ahead_is_described_ = false;
  PacketDescriptor ahead_descriptor_;
  BlockTimes last_block_;
  std::uint32_t last_block_bytes_ = 0;
  std::uint64_t taken_slots_ = 0;  // from the pool, so far

  // Blocks walked before the one at hand, and by block, what that was when its walk began.
  std::atomic<std::uint64_t> walks_{0};
  std::unique_ptr<std::uint64_t[]> walk_of_;
  std::atomic<std::uint64_t> returned_slots_{0};  // to the pool, so far

  // Ids of interfaces met before, direct-mapped by index: "any" alternates between a few.
  struct KnownInterface {
    std::uint32_t index = 0;
    std::uint16_t id = 0;
    bool valid = false;
  };
  static constexpr std::uint32_t known_interfaces = 64;
  KnownInterface known_[known_interfaces];
  std::uint16_t interface_id_ = 0;  // of the record knows_interface() was last asked about

  // Written by the receiving thread only.
  std::atomic<std::uint64_t> truncated_{0};
  std::atomic<std::uint64_t> malformed_{0};
};

}  // namespace ringtail::tpacket
