// What all sources of mbufs have in common: packets are lent where they lie.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ringtail/options.hpp>

#include "dpdk/describe.hpp"
#include "dpdk/look_pace.hpp"
#include "dpdk/mbuf_filter.hpp"
#include "dpdk/mbuf_pool.hpp"
#include "ring/backend.hpp"
#include "ring/batch_pool.hpp"
#include "ring/owned_counter.hpp"

namespace ringtail::dpdk {

/// A batch is a slot of the pool with its mbufs beside it. Releasing pushes the slot onto the pool's queue, from any
/// thread, and touches nothing of DPDK; the receiving thread frees the mbufs before it fetches the next burst, while
/// they are still in its cache.
///
///   receive()  free_slots_ -> fetch, filter -> lend                     slots_.take() -> free mbufs -> free_slots_
///                                                  \-> release(), any thread -> slots_.give_back() --^
///
/// Where mbufs come from, and what they say about a packet, is the derived class's.
class MbufBackend : public ringtail::detail::Backend {
 public:
  ~MbufBackend() override;

  [[nodiscard]] ReceiveStatus receive(std::chrono::nanoseconds timeout, Batch& batch) final;
  void stop() noexcept final { stopping_.store(true, std::memory_order_relaxed); }
  void interrupt() noexcept final { interrupted_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] Stats stats() final;
  [[nodiscard]] const ring::InterfaceTable& interfaces() const noexcept final { return interfaces_; }
  [[nodiscard]] const Error* failure() const noexcept final { return failure_ ? &*failure_ : nullptr; }
  [[nodiscard]] int pollable_descriptor() const noexcept final { return -1; }
  [[nodiscard]] std::string_view name() const noexcept final { return name_; }
  [[nodiscard]] std::string_view kind() const noexcept final { return "dpdk"; }
  void release(ringtail::detail::BatchSlot& slot) noexcept final { slots_->give_back(slot); }
  /// Of packets in one piece in our pools, which nobody else has a reference to.
  [[nodiscard]] ringtail::detail::Margins margins(const ringtail::detail::BatchSlot& slot) const noexcept final;
  /// Nothing while more than half of what may be lent is.
  [[nodiscard]] std::optional<ringtail::detail::LendableMemory> lendable_memory() const noexcept final;
  [[nodiscard]] ringtail::detail::Credit credit() const noexcept final {
    return {.batches = slots_->slots(), .packets = credit_.mbufs};
  }

 protected:
  /// Packets in the first entries of an array, after one look.
  struct Fetched {
    std::uint32_t looked_at = 0;  ///< taken from where they stood, before the filter
    std::uint32_t kept = 0;       ///< and still there behind it
    std::uint16_t queue = 0;
    std::uint64_t timestamp_ns = 0;  ///< of the look, for packets that tell no time of their own
  };
  /// What describe() says of a burst as a whole.
  struct Described {
    std::uint32_t packets = 0;      ///< the first so many; the others wait for large mbufs to come back
    std::uint32_t large_mbufs = 0;  ///< that they are in now
    std::uint64_t bytes = 0;        ///< captured ones
    bool untouched = true;          ///< every mbuf may go back to pool() as it is: in one piece, direct, nobody else's
  };

  /// `pool`: where nearly all mbufs come from; `large_pool`: where packets in several are put together. `credit`: what
  /// may be lent at a time. `memory`: what both pools lie in, where other processes may be shown it.
  MbufBackend(std::string name, const OpenOptions& options, std::optional<filter::Program> program, rte_mempool& pool,
              rte_mempool& large_pool, MbufCredit credit,
              std::optional<ringtail::detail::LendableMemory> memory = std::nullopt);
  [[nodiscard]] Result<void> allocate();
  /// Frees all mbufs. The derived destructor calls it while its pools are still there, and every batch is back.
  void free_all() noexcept;

  // On the receiving thread.

  /// Takes at most `most` packets, and has the filter look at them.
  [[nodiscard]] virtual Fetched fetch(rte_mbuf** mbufs, std::uint32_t most) noexcept = 0;
  [[nodiscard]] virtual Described describe_burst(const Fetched& fetched, rte_mbuf** mbufs,
                                                 PacketDescriptor* descriptors) noexcept = 0;
  /// Called when a fetch found nothing: why nothing will ever come again, if that is so.
  [[nodiscard]] virtual std::optional<Error> breakage() = 0;
  /// After stop(): ends the inflow where that can be done, and says how many packets may still have been accepted.
  [[nodiscard]] virtual std::uint32_t begin_draining() noexcept = 0;
  /// No packet comes any more.
  virtual void ended() noexcept {}

  // On any thread.

  /// Packets lost on the way, since this source was opened: in dropped_ring or dropped_interface.
  virtual void add_losses(Stats& stats) const noexcept = 0;

  /// Runs the filter, if there is one; how many of `count` are left.
  [[nodiscard]] std::uint32_t keep_matching(rte_mbuf** mbufs, std::uint32_t count) noexcept;
  /// Describes a packet that need not be plain (unify.hpp): in one piece, which may be another mbuf, and flagged and
  /// counted when it is longer than any. Adds it to `described`. False when it has to wait for a large mbuf.
  [[nodiscard]] bool describe_whole(rte_mbuf*& packet, const BurstContext& burst, PacketDescriptor& descriptor,
                                    Described& described) noexcept;
  void count_malformed(std::uint64_t packets) noexcept { ring::add_by_owner(malformed_, packets); }
  void add_interface(Interface interface) { interfaces_.add(std::move(interface)); }

  [[nodiscard]] bool has_filter() const noexcept { return filter_.has_value(); }
  [[nodiscard]] std::uint32_t snaplen() const noexcept { return snaplen_; }
  [[nodiscard]] const std::byte* memory_base() const noexcept { return memory_base_; }
  [[nodiscard]] std::uint64_t filtered_out() const noexcept { return filtered_out_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t copied_bytes() const noexcept { return copied_bytes_.load(std::memory_order_relaxed); }

 private:
  struct Loan {
    std::uint32_t count = 0;
    std::uint32_t large_mbufs = 0;
    bool untouched = false;
  };

  [[nodiscard]] ReceiveStatus poll(Batch& batch);
  [[nodiscard]] ReceiveStatus look(Batch& batch);
  [[nodiscard]] ReceiveStatus hand_out(const Fetched& fetched, Batch& batch);
  void reclaim() noexcept;
  [[nodiscard]] ReceiveStatus nothing_found();
  void wait() noexcept;
  [[nodiscard]] ReceiveStatus end(std::optional<Error> failure);
  [[nodiscard]] bool is_ours_alone(const rte_mbuf& packet) const noexcept;
  [[nodiscard]] rte_mbuf** mbufs_of(const ringtail::detail::BatchSlot& slot) const noexcept {
    return mbufs_.get() + std::size_t{slot.index} * batch_packets_;
  }

  const std::string name_;
  const MbufCredit credit_;
  const std::uint32_t batch_packets_;
  const std::uint32_t snaplen_;
  const bool busy_poll_;
  const std::optional<MbufFilter> filter_;
  rte_mempool& pool_;
  rte_mempool& large_pool_;
  std::byte* const memory_base_;  // of both pools: offsets count up from it
  const std::optional<ringtail::detail::LendableMemory> memory_;
  ring::InterfaceTable interfaces_;

  // The receiving thread's.
  LookPace pace_;
  std::optional<ring::BatchPool> slots_;                  // release() pushes to its queue
  std::unique_ptr<rte_mbuf*[]> mbufs_;                    // batch_packets_ for each slot
  std::unique_ptr<Loan[]> loans_;                         // by slot
  std::vector<ringtail::detail::BatchSlot*> free_slots_;  // the one used last on top: its memory is warm
  std::unique_ptr<rte_mbuf*[]> waiting_mbufs_;            // room for batch_packets_
  Fetched waiting_;                                       // what is in there: fetched, and not yet handed out
  std::uint32_t lent_mbufs_ = 0;
  std::uint32_t lent_large_mbufs_ = 0;
  std::uint32_t looked_at_ = 0;   // packets that the last poll() found, before the filter
  std::uint32_t drain_left_ = 0;  // after stop(): packets that may have been accepted before it
  bool draining_ = false;
  std::optional<Error> failure_;

  std::atomic<bool> stopping_{false};
  std::atomic<bool> interrupted_{false};
  std::atomic<bool> ended_{false};
  // Written by the receiving thread alone.
  alignas(ring::cache_line_bytes) std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> filtered_out_{0};
  std::atomic<std::uint64_t> truncated_{0};
  std::atomic<std::uint64_t> malformed_{0};
  std::atomic<std::uint64_t> copied_bytes_{0};
};

/// The filter of a dpdk: source, compiled for packets as they are on the wire; nothing where everything is wanted.
[[nodiscard]] Result<std::optional<filter::Program>> compile_filter(const OpenOptions& options);

}  // namespace ringtail::dpdk
