// The DPDK source: lends packets that still lie in the mbufs the device wrote them to.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ringtail/options.hpp>

#include "dpdk/mbuf_filter.hpp"
#include "dpdk/port_claim.hpp"
#include "dpdk/receive_clock.hpp"
#include "ring/backend.hpp"
#include "ring/batch_pool.hpp"

namespace ringtail::dpdk {

struct BurstContext;

/// Opens "dpdk:<pci address or vdev arguments>"; starts DPDK the first time. Any thread.
[[nodiscard]] Result<ringtail::detail::BackendPointer> open_backend(std::string_view device,
                                                                    const OpenOptions& options);

/// A batch is a slot of the pool with its mbufs beside it. Releasing pushes the slot onto the pool's queue, from any
/// thread, and touches nothing of DPDK; the receiving thread frees the mbufs before it fetches the next burst, while
/// they are still in its cache.
///
///   receive()  free_slots_ -> fetch, filter -> lend                     slots_.take() -> free mbufs -> free_slots_
///                                                  \-> release(), any thread -> slots_.give_back() --^
class DpdkBackend final : public ringtail::detail::Backend {
 public:
  [[nodiscard]] static Result<ringtail::detail::BackendPointer> open(std::string_view device,
                                                                     const OpenOptions& options);
  ~DpdkBackend() override;

  [[nodiscard]] ReceiveStatus receive(std::chrono::nanoseconds timeout, Batch& batch) override;
  void stop() noexcept override;
  void interrupt() noexcept override;
  void shut_down() noexcept override;
  [[nodiscard]] Stats stats() override;
  [[nodiscard]] std::vector<Counter> counters() const override;
  [[nodiscard]] const ring::InterfaceTable& interfaces() const noexcept override { return interfaces_; }
  [[nodiscard]] const Error* failure() const noexcept override { return failure_ ? &*failure_ : nullptr; }
  [[nodiscard]] int pollable_descriptor() const noexcept override { return -1; }
  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] std::string_view kind() const noexcept override { return "dpdk"; }
  void release(ringtail::detail::BatchSlot& slot) noexcept override { slots_->give_back(slot); }

 private:
  DpdkBackend(std::string name, const OpenOptions& options, std::optional<MbufFilter> filter, PortClaim claim);
  Result<void> allocate();

  [[nodiscard]] ReceiveStatus poll(Batch& batch);
  void reclaim() noexcept;
  [[nodiscard]] std::uint32_t fetch(std::uint16_t queue, rte_mbuf** mbufs, std::uint32_t most) noexcept;
  [[nodiscard]] std::uint64_t describe_burst(const BurstContext& burst, rte_mbuf** mbufs, std::uint32_t count,
                                             PacketDescriptor* descriptors) noexcept;
  void describe_rare(rte_mbuf*& packet, const BurstContext& burst, PacketDescriptor& descriptor) noexcept;
  [[nodiscard]] ReceiveStatus nothing_found();
  void begin_draining() noexcept;
  [[nodiscard]] ReceiveStatus end(std::optional<Error> failure);

  [[nodiscard]] PortCounters port_counters() const noexcept;
  [[nodiscard]] rte_mbuf** mbufs_of(const ringtail::detail::BatchSlot& slot) noexcept {
    return mbufs_.get() + std::size_t{slot.index} * batch_packets_;
  }

  const std::string name_;
  const std::uint32_t batch_packets_;
  const std::uint32_t snaplen_;
  const bool busy_poll_;
  const std::optional<MbufFilter> filter_;
  PortClaim claim_;
  ReceiveClock clock_;
  ring::InterfaceTable interfaces_;
  const std::byte* memory_base_;

  // The receiving thread's.
  std::optional<ring::BatchPool> slots_;                  // release() pushes to its queue
  std::unique_ptr<rte_mbuf*[]> mbufs_;                    // batch_packets_ for each slot
  std::unique_ptr<std::uint32_t[]> mbuf_counts_;          // by slot: how many of them it holds
  std::vector<ringtail::detail::BatchSlot*> free_slots_;  // the one used last on top: its memory is warm
  std::uint32_t lent_mbufs_ = 0;
  std::uint32_t looked_at_ = 0;   // packets that the last poll() took from the device, before the filter
  std::uint32_t drain_left_ = 0;  // after stop(): packets that may have been accepted before it
  std::uint16_t next_queue_ = 0;
  bool draining_ = false;
  std::optional<Error> failure_;

  std::atomic<bool> stopping_{false};
  std::atomic<bool> interrupted_{false};
  std::atomic<bool> ended_{false};  // set by the receiving thread, after final_counters_
  PortCounters final_counters_;
  // Written by the receiving thread alone.
  alignas(ring::cache_line_bytes) std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> filtered_out_{0};
  std::atomic<std::uint64_t> truncated_{0};
  std::atomic<std::uint64_t> copied_bytes_{0};
};

}  // namespace ringtail::dpdk
