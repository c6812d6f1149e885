#include "dpdk/transmitter.hpp"

#include <algorithm>
#include <cstring>
#include <rte_mbuf.h>
#include <thread>

#include "base/deadline.hpp"
#include "dpdk/eal.hpp"

namespace ringtail::dpdk {

using ringtail::detail::Frame;
using ringtail::detail::TransmitterPointer;

namespace {

constexpr std::string_view device_prefix = "dpdk:";
constexpr std::uint32_t most_per_burst = 64;
constexpr std::uint32_t sent_framing_bytes = framing_bytes - 4;  // the device makes the check sequence
constexpr std::uint32_t least_data_bytes = 2048;
constexpr std::uint16_t the_queue = 0;

// What arrives is left lying, so little of the memory is for it.
constexpr std::uint16_t receive_descriptors = 256;
constexpr std::uint32_t received_packets = 16;

// Drivers that copy have nothing of ours any more, but the other side of shared memory still has to look.
constexpr std::chrono::milliseconds time_for_the_peer{50};

}  // namespace

Result<TransmitterPointer> open_transmitter(std::string_view device, const OpenOptions& options) {
  std::string_view text = device;
  if (text.starts_with(device_prefix)) text.remove_prefix(device_prefix.size());
  const auto parsed = parse_device_text(text);
  if (!parsed) return tl::unexpected(parsed.error());
  if (auto started = start_eal(options.dpdk, options.buffer_bytes); !started) return tl::unexpected(started.error());
  OpenOptions half = options;  // ports come with queues in both directions; what arrives is left lying
  half.promiscuous = false;
  half.buffer_bytes /= 2;
  half.dpdk.descriptors = receive_descriptors;
  half.batch_packets = received_packets;
  // Before the port: memif shares the memory that there is when it connects, and no other can be sent from.
  const std::uint32_t room = std::clamp(half.dpdk.mtu + sent_framing_bytes, least_data_bytes, largest_data_bytes);
  auto pool = create_mbuf_pool(static_cast<std::uint32_t>(half.buffer_bytes / mbuf_bytes(room)), room, SOCKET_ID_ANY);
  if (!pool) return tl::unexpected(pool.error());
  auto claim = PortClaim::open(*parsed, half);
  if (!claim) return tl::unexpected(claim.error());
  if (!claim->port().link_is_up()) {
    return tl::unexpected(make_error("send into " + std::string(device), "its link is down", "see to its other side"));
  }
  std::uint16_t mtu = RTE_ETHER_MTU;
  rte_eth_dev_get_mtu(claim->port().id(), &mtu);
  return std::make_unique<DpdkTransmitter>(std::move(*pool), std::move(*claim),
                                           std::min(mtu + sent_framing_bytes, room));
}

Result<std::uint32_t> DpdkTransmitter::send(std::span<const Frame> frames) {
  adopt_this_thread();
  rte_mbuf* mbufs[most_per_burst];
  const auto count = static_cast<std::uint16_t>(std::min<std::size_t>(frames.size(), most_per_burst));
  if (rte_pktmbuf_alloc_bulk(pool_.get(), mbufs, count) != 0) {
    take_back_sent();
    return 0;
  }
  for (std::uint16_t index = 0; index < count; ++index) {
    const auto bytes = static_cast<std::uint16_t>(frames[index].size());
    std::memcpy(rte_pktmbuf_append(mbufs[index], bytes), frames[index].data(), bytes);
  }
  const std::uint16_t taken = rte_eth_tx_burst(claim_.port().id(), the_queue, mbufs, count);
  rte_pktmbuf_free_bulk(mbufs + taken, count - taken);
  return taken;
}

// Drivers look for mbufs they are done with when there is more to send. Not all can be asked (-ENOTSUP).
void DpdkTransmitter::take_back_sent() noexcept {
  rte_eth_tx_burst(claim_.port().id(), the_queue, nullptr, 0);
  rte_eth_tx_done_cleanup(claim_.port().id(), the_queue, 0);
}

void DpdkTransmitter::flush(std::chrono::nanoseconds longest) {
  const auto deadline = base::Deadline::after(longest);
  while (rte_mempool_in_use_count(pool_.get()) > 0 && !deadline.has_passed()) {
    take_back_sent();
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  std::this_thread::sleep_for(deadline.remaining(time_for_the_peer));
}

}  // namespace ringtail::dpdk
