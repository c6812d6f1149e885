#include "dpdk/receive_clock.hpp"

#include <chrono>
#include <rte_ethdev.h>
#include <thread>

namespace ringtail::dpdk {

namespace {

ClockPair read_device(std::uint16_t port) noexcept {
  return read_with_wall_clock([port] {
    std::uint64_t ticks = 0;
    rte_eth_read_clock(port, &ticks);
    return ticks;
  });
}

}  // namespace

ReceiveClock::ReceiveClock(const Port& port, TimestampType type)
    : port_(port.id()), type_(type), synchronised_(type == TimestampType::adapter) {
  if (type != TimestampType::host) find_stamps(port);
}

const char* ReceiveClock::description() const noexcept {
  if (type_ == TimestampType::host) return "stamped by the host's clock";
  if (!device_stamps()) return "stamped by the host's clock, for the device has none";
  return synchronised_ ? "stamped by the device's clock, or by the host's where that one cannot be right"
                       : "stamped by the device's clock";
}

void ReceiveClock::find_stamps(const Port& port) {
  // Registered by the driver that fills them in.
  stamp_offset_ = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, nullptr);
  const int flag = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, nullptr);
  if (stamp_offset_ < 0 || flag < 0) return;
  stamp_flag_ = std::uint64_t{1} << flag;
  if (port.driver() == "net_pcap") {
    ns_per_stamp_ = 1000;  // drivers/net/pcap/pcap_ethdev.c, eth_pcap_rx(): the file's time in microseconds
  } else {
    measure_device_clock();
  }
}

void ReceiveClock::measure_device_clock() {
  std::uint64_t first = 0;
  if (rte_eth_read_clock(port_, &first) != 0) return;  // the stamps are taken for nanoseconds since 1970
  constexpr std::chrono::milliseconds span{50};
  const ClockPair begin = read_device(port_);
  std::this_thread::sleep_for(span);
  const ClockPair end = read_device(port_);
  if (end.ticks <= begin.ticks || end.wall_ns <= begin.wall_ns) return;
  device_.emplace(static_cast<double>(end.ticks - begin.ticks) * 1e9 /
                  static_cast<double>(end.wall_ns - begin.wall_ns));
  device_->observe(end.ticks, end.wall_ns);
}

void ReceiveClock::observe_device(std::uint64_t host_ticks) noexcept {
  observed_ticks_ = host_ticks;
  const ClockPair now = read_device(port_);
  device_->observe(now.ticks, now.wall_ns);
}

}  // namespace ringtail::dpdk
