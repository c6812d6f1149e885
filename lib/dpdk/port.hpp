// A port that packets are received from: queues, mbufs, counters.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ringtail/error.hpp>
#include <ringtail/interface.hpp>
#include <ringtail/options.hpp>

#include "dpdk/device.hpp"
#include "dpdk/flow_rules.hpp"
#include "dpdk/kernel_promiscuity.hpp"
#include "dpdk/mbuf_pool.hpp"
#include "dpdk/pool_memory.hpp"

namespace ringtail::dpdk {

/// What the device lost since it was opened here.
struct PortCounters {
  std::uint64_t imissed = 0;    ///< no free descriptor: nobody fetched packets fast enough
  std::uint64_t rx_nombuf = 0;  ///< the driver found no free mbuf
  std::uint64_t ierrors = 0;    ///< bad frames (checksum, length), as the device sees it

  [[nodiscard]] std::uint64_t total() const noexcept { return imissed + rx_nombuf + ierrors; }
};

/// A configured, running port with its mbufs. Shared by the sources of a process that read its queues, each through a
/// PortClaim. const functions may be called on any thread.
class Port {
 public:
  /// Attaches the device, has it receive into our mbufs and starts it. DPDK is running.
  [[nodiscard]] static Result<std::unique_ptr<Port>> open(const DeviceText& text, const OpenOptions& options);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port();

  /// No packet is taken from now on. Not while anybody receives.
  void stop() noexcept;

  [[nodiscard]] std::uint16_t id() const noexcept { return device_->id(); }
  [[nodiscard]] std::uint16_t queues() const noexcept { return queues_; }
  [[nodiscard]] std::uint16_t descriptors() const noexcept { return descriptors_; }
  [[nodiscard]] rte_mempool& pool() const noexcept { return *pool_; }
  /// Mbufs of 64 KiB, where packets that came in several mbufs are put together.
  [[nodiscard]] rte_mempool& large_pool() const noexcept { return *large_pool_; }
  /// What the mbufs lie in, if other processes may be shown it.
  [[nodiscard]] std::optional<ringtail::detail::LendableMemory> lendable_memory() const noexcept {
    return pool_memory_ ? std::optional(pool_memory_->lendable()) : std::nullopt;
  }
  /// Mbufs that each reader may hold; with what is left the device can go on.
  [[nodiscard]] MbufCredit credit() const noexcept { return credit_; }
  [[nodiscard]] const Interface& interface() const noexcept { return interface_; }
  /// "net_memif"
  [[nodiscard]] std::string_view driver() const noexcept { return device_->info().driver_name; }
  /// The device holds back what does not match this filter; empty where it hands over everything.
  [[nodiscard]] const std::string& offloaded_filter() const noexcept { return offloaded_filter_; }
  [[nodiscard]] std::size_t flow_rules() const noexcept { return flow_rules_.size(); }
  /// The device was told to stamp packets.
  [[nodiscard]] bool stamps_packets() const noexcept { return (offloads_ & RTE_ETH_RX_OFFLOAD_TIMESTAMP) != 0; }

  [[nodiscard]] PortCounters counters() const noexcept;
  /// They stay as they are now. One thread at a time.
  void end_counters() noexcept;
  [[nodiscard]] bool link_is_up() const noexcept;
  [[nodiscard]] bool was_unplugged() const noexcept { return unplugged_.load(std::memory_order_relaxed); }

 private:
  Port() = default;
  Result<void> choose_flow_rules(const std::string& filter);
  Result<void> choose_sizes(const OpenOptions& options);
  Result<void> configure(const OpenOptions& options);
  Result<void> create_pools(const DeviceText& text, const OpenOptions& options);
  [[nodiscard]] bool create_lendable_pools(const PoolSizes& sizes, int socket, bool device_writes);
  Result<void> set_up_queues();
  Result<void> create_flow_rules();
  Result<void> start();
  Result<void> enter_promiscuous_mode();
  void wait_for_link(std::chrono::milliseconds longest) const;
  void describe(const OpenOptions& options);
  static int note_unplugged(std::uint16_t port, rte_eth_event_type event, void* self, void* details);

  // Declared first, destroyed last: the device holds mbufs of the pools until it is closed, so the pools come before.
  std::optional<PoolMemory> pool_memory_;
  MbufPool pool_;
  MbufPool large_pool_;
  std::unique_ptr<Device> device_;
  std::vector<FlowPattern> flow_patterns_;
  std::string offloaded_filter_;
  FlowRules flow_rules_;
  Interface interface_;
  PortCounters baseline_;
  PortCounters final_counters_;
  std::atomic<bool> counters_are_final_{false};
  std::uint16_t queues_ = 1;
  std::uint16_t descriptors_ = 0;
  std::uint16_t transmit_queues_ = 0;
  std::uint16_t transmit_descriptors_ = 0;
  std::uint16_t mtu_ = 0;
  std::uint32_t data_bytes_ = 0;  // per mbuf
  MbufCredit credit_;
  std::uint64_t offloads_ = 0;
  std::uint64_t hash_types_ = 0;                         // RTE_ETH_RSS_*
  std::vector<std::uint8_t> hash_key_;                   // gives both directions of a flow one queue
  std::optional<KernelPromiscuity> kernel_promiscuity_;  // of the interface below, before the port was started
  bool promiscuous_ = false;                             // switched on here, so off again at the end
  std::atomic<bool> unplugged_{false};
};

}  // namespace ringtail::dpdk
