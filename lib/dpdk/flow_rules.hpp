// Rules in a device (rte_flow), so that it does not even hand over what a filter cannot match.
#pragma once

#include <cstdint>
#include <optional>
#include <rte_flow.h>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ringtail/error.hpp>

#include "dpdk/flow_pattern.hpp"

namespace ringtail::dpdk {

/// How what a rule lets through is spread over the receive queues.
struct Spreading {
  std::uint16_t queues = 1;
  std::uint64_t hash_types = 0;         ///< RTE_ETH_RSS_*
  std::span<const std::uint8_t> key{};  ///< of the hash
};

/// The rules of a port in isolated mode: the device takes the packets that a rule names, and nothing else. All or
/// nothing: what a device does not take is an error, never a part of a filter.
///
/// Control calls only, one thread at a time, as rte_flow demands.
class FlowRules {
 public:
  /// Puts the port into isolated mode. Before it is configured, as the DPDK Programmer's Guide asks ("Generic flow
  /// API", flow isolated mode).
  [[nodiscard]] static Result<FlowRules> isolate(std::uint16_t port, const std::string& device);

  /// A rule for each pattern. The port runs.
  [[nodiscard]] Result<void> create(const std::string& device, const std::vector<FlowPattern>& patterns,
                                    const Spreading& spreading);
  /// Takes the rules out. The port runs, or has never run.
  void destroy() noexcept;

  FlowRules() noexcept = default;
  FlowRules(FlowRules&& other) noexcept
      : port_(std::exchange(other.port_, std::nullopt)), rules_(std::exchange(other.rules_, {})) {}
  FlowRules& operator=(FlowRules&& other) noexcept {
    std::swap(port_, other.port_);
    std::swap(rules_, other.rules_);
    return *this;
  }
  FlowRules(const FlowRules&) = delete;
  FlowRules& operator=(const FlowRules&) = delete;
  /// Ends isolated mode. The port is stopped: drivers refuse it otherwise (mlx5_flow_isolate()).
  ~FlowRules();

  [[nodiscard]] std::size_t size() const noexcept { return rules_.size(); }

 private:
  std::optional<std::uint16_t> port_;  // in isolated mode
  std::vector<rte_flow*> rules_;
};

}  // namespace ringtail::dpdk
