// A tap into a DPDK application that runs in another process: its packets, copied by itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <ringtail/error.hpp>
#include <ringtail/interface.hpp>
#include <ringtail/options.hpp>

#include "base/file_descriptor.hpp"
#include "dpdk/port.hpp"
#include "dpdk/tap_memory.hpp"
#include "dpdk/tap_text.hpp"

namespace ringtail::dpdk {

/// Packets that the application saw and could not copy for us, since the tap was opened.
struct TapLosses {
  std::uint64_t no_mbuf = 0;    ///< all mbufs were in the ring, or lent
  std::uint64_t ring_full = 0;  ///< the ring has room for all mbufs, so there should be none of these
};

/// rte_pdump on all queues of a port. The application (DPDK: the primary process) has called rte_pdump_init(), as
/// testpmd and most others do; it hooks into its own bursts, copies each packet into an mbuf of our pool and puts that
/// into our ring. One tap per port: rte_pdump has no place for a second.
///
/// A tap that is killed leaves its hooks, which go on copying until the pool is empty, and its memory. The next tap on
/// the same port clears both away; a lock, which dies with its process, tells it that nobody is there.
class Tap {
 public:
  /// Starts DPDK as the application's secondary process, the first time. `whole`: the snaplen is not applied.
  [[nodiscard]] static Result<std::unique_ptr<Tap>> open(const TapText& text, const OpenOptions& options, bool whole);
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;
  /// Nobody holds an mbuf any more.
  ~Tap();

  /// Has the application take its hooks out. What is in the ring stays there. May be called more than once; any
  /// thread, one at a time.
  void stop() noexcept;

  /// Up to `most` copies, as they are. The receiving thread.
  [[nodiscard]] std::uint32_t take(rte_mbuf** copies, std::uint32_t most) noexcept {
    return rte_ring_dequeue_burst(memory_.ring, reinterpret_cast<void**>(copies), most, nullptr);
  }

  [[nodiscard]] rte_mempool& pool() const noexcept { return *memory_.pool; }
  [[nodiscard]] rte_mempool& large_pool() const noexcept { return *memory_.large_pool; }
  /// Mbufs that may be lent; with the rest the application can go on.
  [[nodiscard]] MbufCredit credit() const noexcept {
    return {.mbufs = memory_.pool->size - memory_.pool->size / 4, .large_mbufs = memory_.large_pool->size};
  }
  [[nodiscard]] const Interface& interface() const noexcept { return interface_; }

  // Any thread.

  [[nodiscard]] bool application_is_alive() const noexcept;
  [[nodiscard]] TapLosses losses() const noexcept;
  /// What the application itself did not receive from its port in time.
  [[nodiscard]] PortCounters port_losses() const noexcept;

 private:
  Tap() = default;
  Result<void> lock(const std::string& file_prefix);
  Result<void> create_memory(const OpenOptions& options, bool whole);
  Result<void> watch_application();
  Result<void> enable(std::uint32_t snaplen, Direction direction);
  Result<void> enable(std::uint32_t snaplen, std::uint32_t direction_flag);
  void describe(const TapText& text, const OpenOptions& options);
  Result<void> clear_leftovers();

  std::string name_;  // "dpdk:pdump:web/0", for errors
  std::uint16_t port_ = 0;
  base::FileDescriptor lock_;
  base::FileDescriptor application_;  // the file that it keeps locked while it lives
  TapMemory memory_;
  std::uint32_t enabled_ = 0;  // RTE_PDUMP_FLAG_RX, _TX
  bool hooks_remain_ = false;  // the application did not take them out, so its threads may use the memory
  std::chrono::steady_clock::time_point stopped_at_;
  Interface interface_;
  TapLosses losses_before_;
  PortCounters port_losses_before_;
};

}  // namespace ringtail::dpdk
