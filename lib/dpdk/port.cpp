#include "dpdk/port.hpp"

#include <algorithm>

namespace ringtail::dpdk {

namespace {

PortCounters read_counters(std::uint16_t port) noexcept {
  rte_eth_stats stats = {};
  if (rte_eth_stats_get(port, &stats) != 0) return {};
  return {.imissed = stats.imissed, .rx_nombuf = stats.rx_nombuf, .ierrors = stats.ierrors};
}

// Some drivers start their counters afresh with the device.
std::uint64_t since(std::uint64_t baseline, std::uint64_t now) noexcept {
  return now >= baseline ? now - baseline : now;
}

}  // namespace

Result<std::unique_ptr<Port>> Port::open(const DeviceText& text, const OpenOptions& options) {
  auto device = Device::attach(text);
  if (!device) return tl::unexpected(device.error());
  std::unique_ptr<Port> port(new Port);
  port->device_ = std::move(*device);
  port->kernel_promiscuity_.emplace(port->device_->info().if_index);
  const auto result = port->choose_sizes(options)
                          .and_then([&]() -> Result<void> {
                            if (!text.flow_rules) return {};
                            return port->choose_flow_rules(options.filter);
                          })
                          .and_then([&] { return port->configure(options); })
                          .and_then([&] { return port->create_pools(text, options); })
                          .and_then([&] { return port->set_up_queues(); })
                          .and_then([&] { return port->start(); })
                          .and_then([&] { return port->create_flow_rules(); })
                          .and_then([&]() -> Result<void> {
                            if (!options.promiscuous) return {};
                            return port->enter_promiscuous_mode();
                          });
  if (!result) return tl::unexpected(result.error());
  rte_eth_dev_callback_register(port->id(), RTE_ETH_EVENT_INTR_RMV, &Port::note_unplugged, port.get());
  port->wait_for_link(options.dpdk.link_wait);
  port->baseline_ = read_counters(port->id());
  port->describe(options);
  return port;
}

Port::~Port() {
  if (!device_) return;
  rte_eth_dev_callback_unregister(id(), RTE_ETH_EVENT_INTR_RMV, &Port::note_unplugged, this);
  if (promiscuous_) rte_eth_promiscuous_disable(id());
  kernel_promiscuity_->put_back();
  stop();  // before isolated mode ends, and the memory it writes to goes
  if (pool_memory_) pool_memory_->unmap();
}

// What becomes of rules when a port stops is each driver's own affair (RTE_ETH_DEV_CAPA_FLOW_RULE_KEEP).
void Port::stop() noexcept {
  flow_rules_.destroy();
  device_->stop();
}

int Port::note_unplugged(std::uint16_t, rte_eth_event_type, void* self, void*) {
  static_cast<Port*>(self)->unplugged_.store(true, std::memory_order_relaxed);
  return 0;
}

PortCounters Port::counters() const noexcept {
  if (counters_are_final_.load(std::memory_order_acquire)) return final_counters_;  // pairs with end_counters()
  const PortCounters now = read_counters(id());
  return {.imissed = since(baseline_.imissed, now.imissed),
          .rx_nombuf = since(baseline_.rx_nombuf, now.rx_nombuf),
          .ierrors = since(baseline_.ierrors, now.ierrors)};
}

void Port::end_counters() noexcept {
  if (counters_are_final_.load(std::memory_order_relaxed)) return;
  final_counters_ = counters();
  counters_are_final_.store(true, std::memory_order_release);  // pairs with counters()
}

bool Port::link_is_up() const noexcept {
  rte_eth_link link = {};
  return rte_eth_link_get_nowait(id(), &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

}  // namespace ringtail::dpdk
