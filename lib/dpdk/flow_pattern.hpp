// Which packets a device has to let through for a filter: the part of it that hardware can judge.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringtail::dpdk {

/// Untagged IP packets. An IPv6 pattern has no conditions: extension headers stand between it and a protocol.
struct FlowPattern {
  bool ipv6 = false;
  std::uint8_t protocol = 0;      ///< 0: any
  std::uint32_t source = 0;       ///< of IPv4, in host order
  std::uint32_t source_mask = 0;  ///< 0: any source
  std::uint32_t destination = 0;
  std::uint32_t destination_mask = 0;

  bool operator==(const FlowPattern&) const = default;
};

/// Patterns which together let through every packet that `filter` (pcap-filter(7) text) matches, and others besides:
/// the filter remains the judge. Empty where that cannot be said for certain.
///
/// Understood are words joined by "and": ip, tcp, udp, icmp, and behind them or on their own [src|dst] host ADDRESS,
/// [src|dst] net ADDRESS/BITS, [src|dst] port NUMBER. One of the protocols must be there: "host" alone matches ARP,
/// too. Ports are left to the filter, because a device may not see them in fragments.
[[nodiscard]] std::vector<FlowPattern> flow_patterns(std::string_view filter);

/// "IPv4 TCP from 10.0.0.0/255.0.0.0", for people.
[[nodiscard]] std::string describe(const FlowPattern& pattern);

}  // namespace ringtail::dpdk
