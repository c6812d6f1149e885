#include "dpdk/flow_rules.hpp"

#include <array>
#include <numeric>
#include <rte_byteorder.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

namespace ringtail::dpdk {

namespace {

Error rule_error(const std::string& device, const std::string& what, const rte_flow_error& flow_error) {
  const std::string reason = flow_error.message != nullptr ? flow_error.message : rte_strerror(rte_errno);
  Error error = make_error("offload the filter to dpdk:" + device, what + ": " + reason, "leave out rules:");
  error.error_number = rte_errno;
  return error;
}

// A pattern and its action as rte_flow takes them. They point into each other, so this stays where it is made.
class Rule {
 public:
  Rule(const FlowPattern& pattern, const Spreading& spreading) : queues_(spreading.queues) {
    std::iota(queues_.begin(), queues_.end(), std::uint16_t{0});
    if (!pattern.ipv6) fill_ipv4(pattern);
    rss_.types = spreading.hash_types;
    rss_.key = spreading.key.data();  // without one a driver takes its own, which parts the directions of a flow
    rss_.key_len = static_cast<std::uint32_t>(spreading.key.size());
    rss_.queue = queues_.data();
    rss_.queue_num = spreading.queues;
    actions_[0] = {.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue_};
    if (spreading.queues > 1) actions_[0] = {.type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &rss_};
    actions_[1].type = RTE_FLOW_ACTION_TYPE_END;
    items_[0].type = RTE_FLOW_ITEM_TYPE_ETH;
    items_[1].type = pattern.ipv6 ? RTE_FLOW_ITEM_TYPE_IPV6 : RTE_FLOW_ITEM_TYPE_IPV4;
    items_[2].type = RTE_FLOW_ITEM_TYPE_END;
  }
  Rule(const Rule&) = delete;
  Rule& operator=(const Rule&) = delete;

  [[nodiscard]] rte_flow* create(std::uint16_t port, rte_flow_error& error) const {
    rte_flow_attr attributes = {};
    attributes.ingress = 1;
    if (rte_flow_validate(port, &attributes, items_.data(), actions_.data(), &error) != 0) return nullptr;
    return rte_flow_create(port, &attributes, items_.data(), actions_.data(), &error);
  }

 private:
  void fill_ipv4(const FlowPattern& pattern) {
    spec_.hdr.next_proto_id = pattern.protocol;
    spec_.hdr.src_addr = rte_cpu_to_be_32(pattern.source);
    spec_.hdr.dst_addr = rte_cpu_to_be_32(pattern.destination);
    mask_.hdr.next_proto_id = pattern.protocol == 0 ? 0 : UINT8_MAX;
    mask_.hdr.src_addr = rte_cpu_to_be_32(pattern.source_mask);
    mask_.hdr.dst_addr = rte_cpu_to_be_32(pattern.destination_mask);
    items_[1].spec = &spec_;
    items_[1].mask = &mask_;
  }

  std::vector<std::uint16_t> queues_;
  rte_flow_item_ipv4 spec_ = {};
  rte_flow_item_ipv4 mask_ = {};
  rte_flow_action_queue queue_ = {};
  rte_flow_action_rss rss_ = {};
  std::array<rte_flow_item, 3> items_ = {};
  std::array<rte_flow_action, 2> actions_ = {};
};

}  // namespace

Result<FlowRules> FlowRules::isolate(std::uint16_t port, const std::string& device) {
  rte_flow_error error = {};
  if (rte_flow_isolate(port, 1, &error) != 0) {
    return tl::unexpected(rule_error(device, "the device does not let rules alone decide", error));
  }
  FlowRules rules;
  rules.port_ = port;
  return rules;
}

Result<void> FlowRules::create(const std::string& device, const std::vector<FlowPattern>& patterns,
                               const Spreading& spreading) {
  for (const FlowPattern& pattern : patterns) {
    rte_flow_error error = {};
    rte_flow* rule = Rule(pattern, spreading).create(*port_, error);
    if (rule == nullptr) {
      return tl::unexpected(rule_error(device, "the device refuses the rule for " + describe(pattern), error));
    }
    rules_.push_back(rule);
  }
  return {};
}

void FlowRules::destroy() noexcept {
  rte_flow_error error = {};
  for (rte_flow* rule : rules_) rte_flow_destroy(*port_, rule, &error);
  rules_.clear();
}

FlowRules::~FlowRules() {
  if (!port_) return;
  destroy();
  rte_flow_error error = {};
  rte_flow_isolate(*port_, 0, &error);
}

}  // namespace ringtail::dpdk
