// The promiscuous mode of a kernel's interface that a DPDK driver works on.
#pragma once

namespace ringtail::dpdk {

/// Remembers whether the administrator had switched it on, for there is but one switch: drivers such as net_af_xdp and
/// net_af_packet throw it as if nobody else had, and DPDK itself switches it off when it starts a port that is not to
/// be promiscuous (eth_dev_promiscuous_restore(), lib/ethdev/rte_ethdev.c).
class KernelPromiscuity {
 public:
  /// `interface_index` 0: there is no such interface.
  explicit KernelPromiscuity(unsigned interface_index) noexcept;

  /// Switches it on where it was on and no longer is. Needs CAP_NET_ADMIN.
  void put_back() const noexcept;

 private:
  unsigned interface_index_;
  bool was_on_;
};

}  // namespace ringtail::dpdk
