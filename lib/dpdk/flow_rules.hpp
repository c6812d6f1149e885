// Rules in a device (rte_flow), so that it does not even hand over what a filter cannot match.
#pragma once

#include <cstdint>
#include <rte_flow.h>
#include <string>
#include <utility>
#include <vector>

#include <ringtail/error.hpp>

#include "dpdk/flow_pattern.hpp"

namespace ringtail::dpdk {

/// The rules of a port in isolated mode: the device takes the packets that a rule names, and nothing else. All or
/// nothing: what a device does not take is an error, never a part of a filter.
///
/// Control calls only, one thread at a time, as rte_flow demands.
class FlowRules {
 public:
  /// Before the port is configured, as the DPDK Programmer's Guide asks ("Generic flow API", flow isolated mode).
  [[nodiscard]] static Result<void> isolate(std::uint16_t port, const std::string& device);

  /// The port runs, with `queues` receive queues.
  [[nodiscard]] static Result<FlowRules> create(std::uint16_t port, const std::string& device,
                                                const std::vector<FlowPattern>& patterns, std::uint16_t queues);

  FlowRules() noexcept = default;
  FlowRules(FlowRules&& other) noexcept : port_(other.port_), rules_(std::exchange(other.rules_, {})) {}
  FlowRules& operator=(FlowRules&& other) noexcept {
    std::swap(port_, other.port_);
    std::swap(rules_, other.rules_);
    return *this;
  }
  FlowRules(const FlowRules&) = delete;
  FlowRules& operator=(const FlowRules&) = delete;
  ~FlowRules();

  [[nodiscard]] std::size_t size() const noexcept { return rules_.size(); }

 private:
  std::uint16_t port_ = 0;
  std::vector<rte_flow*> rules_;
};

}  // namespace ringtail::dpdk
