// How a port is configured; see port.hpp. The order of the calls is that of the DPDK Programmer's Guide, "Poll Mode
// Driver": configure, queues, start.
#include <algorithm>
#include <chrono>
#include <thread>

#include "dpdk/hash_key.hpp"
#include "dpdk/port.hpp"

namespace ringtail::dpdk {

namespace {

constexpr std::uint32_t smallest_data_bytes = 2048;
// Drivers take mbufs beyond their descriptors: bursts on their way, rings of the kernel beside their own (af_xdp).
constexpr std::uint32_t mbufs_beside_descriptors = 2048;
constexpr std::uint16_t usual_transmit_descriptors = 256;
// Of all memory, what packets that come in several mbufs are put together in.
constexpr std::size_t large_share = 8;
constexpr std::size_t most_large_mbufs = 1024;  // more wait for each other, but are not cut

constexpr std::size_t usual_key_bytes = 40;

int socket_of(const Device& device, const OpenOptions& options) {
  if (options.numa_node >= 0) return options.numa_node;
  return options.numa_node == numa_off ? SOCKET_ID_ANY : rte_eth_dev_socket_id(device.id());
}

// Drivers that have their peer read and write DPDK's own memory, and know no other (drivers/net/memif/rte_eth_memif.c,
// memif_region_init_zc(); drivers/net/virtio/virtio_user/vhost_user.c, update_memory_region()).
bool shows_dpdks_memory(std::string_view driver, const DeviceText& text) {
  if (driver == "net_virtio_user") return true;
  return driver == "net_memif" && text.arguments.find("zero-copy=yes") != std::string::npos;
}

}  // namespace

Result<void> Port::choose_flow_rules(const std::string& filter) {
  flow_patterns_ = flow_patterns(filter);
  if (flow_patterns_.empty()) {
    return tl::unexpected(make_error("offload the filter to dpdk:" + device_->name(),
                                     "'" + filter + "' is nothing that flow rules can say",
                                     "they know ip, tcp, udp, icmp with [src|dst] host, net, port, joined by 'and'; "
                                     "or leave out rules:"));
  }
  offloaded_filter_ = filter;
  auto rules = FlowRules::isolate(id(), device_->name());
  if (!rules) return tl::unexpected(rules.error());
  flow_rules_ = std::move(*rules);
  return {};
}

Result<void> Port::choose_sizes(const OpenOptions& options) {
  const rte_eth_dev_info& info = device_->info();
  queues_ = options.dpdk.queues;
  if (queues_ == 0 || queues_ > info.max_rx_queues) {
    return tl::unexpected(device_->failure(
        std::to_string(queues_) + " receive queues are wanted, the device has " + std::to_string(info.max_rx_queues),
        -EINVAL));
  }
  if (options.dpdk.mtu != 0) {
    mtu_ = options.dpdk.mtu;
  } else if (rte_eth_dev_get_mtu(device_->id(), &mtu_) < 0) {
    mtu_ = RTE_ETHER_MTU;
  }
  if (mtu_ < info.min_mtu || mtu_ > info.max_mtu) {
    return tl::unexpected(device_->failure("an MTU of " + std::to_string(mtu_) + " is wanted, the device has " +
                                               std::to_string(info.min_mtu) + " to " + std::to_string(info.max_mtu),
                                           -EINVAL));
  }
  // One mbuf for a whole frame, so that it can be looked at where it lies.
  data_bytes_ = std::min(largest_data_bytes, std::max(smallest_data_bytes, RTE_ALIGN_CEIL(mtu_ + framing_bytes, 64U)));
  return {};
}

Result<void> Port::configure(const OpenOptions& options) {
  const rte_eth_dev_info& info = device_->info();
  rte_eth_conf configuration = {};
  configuration.rxmode.mtu = mtu_;
  if (options.timestamp_type != TimestampType::host) offloads_ |= info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP;
  if (mtu_ + framing_bytes > data_bytes_) offloads_ |= info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
  configuration.rxmode.offloads = offloads_;  // no VLAN stripping among them: the tag stays in the bytes

  hash_key_ = symmetric_key(info.hash_key_size != 0 ? info.hash_key_size : usual_key_bytes);
  hash_types_ = info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);
  if (queues_ > 1 && hash_types_ != 0) {
    configuration.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    configuration.rx_adv_conf.rss_conf.rss_hf = hash_types_;
    configuration.rx_adv_conf.rss_conf.rss_key = hash_key_.data();
    configuration.rx_adv_conf.rss_conf.rss_key_len = static_cast<std::uint8_t>(hash_key_.size());
  }
  // Nothing is sent, but memif and vhost carry no packet before both sides have queues in both directions
  // (drivers/net/memif/memif_socket.c, memif_msg_receive_add_ring(): "Invalid ring index").
  transmit_queues_ = std::min(queues_, info.max_tx_queues);
  if (const int status = rte_eth_dev_configure(id(), queues_, transmit_queues_, &configuration); status < 0) {
    return tl::unexpected(device_->refusal("it cannot be configured", status));
  }

  descriptors_ = options.dpdk.descriptors;
  transmit_descriptors_ = usual_transmit_descriptors;
  if (const int status = rte_eth_dev_adjust_nb_rx_tx_desc(id(), &descriptors_, &transmit_descriptors_); status < 0) {
    return tl::unexpected(device_->failure("descriptors", status));
  }
  return {};
}

Result<void> Port::create_pools(const DeviceText& text, const OpenOptions& options) {
  const std::uint32_t readers = options.dpdk.queue ? queues_ : 1U;
  const std::size_t for_device = std::size_t{queues_} * (descriptors_ + mbufs_beside_descriptors);
  const std::size_t least = for_device + std::size_t{2} * readers * options.batch_packets;
  const std::size_t affordable = (options.buffer_bytes - options.buffer_bytes / large_share) / mbuf_bytes(data_bytes_);
  if (affordable < least) {
    const std::size_t least_mebibytes = (least * mbuf_bytes(data_bytes_) * large_share / (large_share - 1) >> 20) + 1;
    return tl::unexpected(make_error("open dpdk:" + device_->name(),
                                     std::to_string(options.buffer_bytes >> 20) + " MiB hold " +
                                         std::to_string(affordable) + " packets, " + std::to_string(least) +
                                         " are needed for its queues",
                                     "ask for at least " + std::to_string(least_mebibytes) + " MiB (-B)"));
  }
  const auto mbufs = static_cast<std::uint32_t>(std::min<std::size_t>(affordable, UINT32_MAX / 2));
  const auto large_mbufs = static_cast<std::uint32_t>(std::clamp<std::size_t>(
      options.buffer_bytes / large_share / mbuf_bytes(largest_data_bytes), least_large_mbufs, most_large_mbufs));
  credit_ = {.mbufs = static_cast<std::uint32_t>((mbufs - for_device) / readers),
             .large_mbufs = std::max(1U, large_mbufs / readers)};

  const int socket = socket_of(*device_, options);
  const PoolSizes sizes{
      .mbufs = mbufs, .data_bytes = data_bytes_, .large_mbufs = large_mbufs, .large_data_bytes = largest_data_bytes};
  const bool may_be_lent = options.dpdk.lendable && !shows_dpdks_memory(driver(), text);
  if (may_be_lent && create_lendable_pools(sizes, socket, text.is_pci)) return {};
  auto pool = create_mbuf_pool(mbufs, data_bytes_, socket);
  if (!pool) return tl::unexpected(pool.error());
  auto large_pool = create_mbuf_pool(large_mbufs, largest_data_bytes, socket);
  if (!large_pool) return tl::unexpected(large_pool.error());
  pool_ = std::move(*pool);
  large_pool_ = std::move(*large_pool);
  return {};
}

/// False, with nothing changed, when memory of ours cannot be had, or the device cannot use it: then packets are copied
/// for whoever else wants them.
bool Port::create_lendable_pools(const PoolSizes& sizes, int socket, bool device_writes) {
  auto memory = PoolMemory::create(sizes, socket);
  if (!memory || (device_writes && !memory->map_for(*device_->info().device))) return false;
  auto pool = create_mbuf_pool(sizes.mbufs, sizes.data_bytes, socket, memory->pool());
  auto large_pool = create_mbuf_pool(sizes.large_mbufs, sizes.large_data_bytes, socket, memory->large_pool());
  if (!pool || !large_pool) {
    memory->unmap();
    return false;
  }
  pool_memory_.emplace(std::move(*memory));
  pool_ = std::move(*pool);
  large_pool_ = std::move(*large_pool);
  return true;
}

Result<void> Port::set_up_queues() {
  rte_eth_rxconf configuration = device_->info().default_rxconf;
  configuration.offloads = offloads_;
  configuration.rx_drop_en = queues_ > 1;  // a queue that nobody reads must not stop the others
  const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(id()));
  for (std::uint16_t queue = 0; queue < queues_; ++queue) {
    const int status = rte_eth_rx_queue_setup(id(), queue, descriptors_, socket, &configuration, pool_.get());
    if (status < 0) return tl::unexpected(device_->refusal("receive queue " + std::to_string(queue), status));
  }
  for (std::uint16_t queue = 0; queue < transmit_queues_; ++queue) {
    const int status = rte_eth_tx_queue_setup(id(), queue, transmit_descriptors_, socket, nullptr);
    if (status < 0) return tl::unexpected(device_->refusal("transmit queue " + std::to_string(queue), status));
  }
  return {};
}

Result<void> Port::create_flow_rules() {
  return flow_rules_.create(device_->name(), flow_patterns_,
                            {.queues = queues_, .hash_types = hash_types_, .key = hash_key_});
}

Result<void> Port::start() {
  auto started = device_->start();
  kernel_promiscuity_->put_back();
  return started;
}

Result<void> Port::enter_promiscuous_mode() {
  if (rte_eth_promiscuous_get(id()) == 1) return {};
  const int status = rte_eth_promiscuous_enable(id());
  if (status == -ENOTSUP) return {};  // virtual devices that see everything anyway
  if (status < 0) return tl::unexpected(device_->failure("promiscuous mode", status));
  promiscuous_ = true;
  return {};
}

void Port::wait_for_link(std::chrono::milliseconds longest) const {
  constexpr std::chrono::milliseconds step{10};
  for (auto waited = step; waited <= longest && !link_is_up(); waited += step) std::this_thread::sleep_for(step);
}

void Port::describe(const OpenOptions& options) {
  interface_.name = device_->name();
  interface_.description = "DPDK port " + std::to_string(id());
  std::string let_through;
  for (const FlowPattern& pattern : flow_patterns_) {
    let_through += (let_through.empty() ? "; the device lets through: " : ", ") + dpdk::describe(pattern);
  }
  interface_.description += let_through;
  interface_.hardware = driver();
  interface_.filter = options.filter;
  interface_.index = device_->info().if_index;
  interface_.snaplen = options.snaplen;
  interface_.link_type = link_type::ethernet;

  rte_eth_link link = {};
  const bool speed_known = rte_eth_link_get_nowait(id(), &link) == 0 && link.link_status == RTE_ETH_LINK_UP &&
                           link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN;
  if (speed_known) interface_.speed_bps = std::uint64_t{link.link_speed} * 1'000'000;

  rte_ether_addr address = {};
  if (rte_eth_macaddr_get(id(), &address) == 0) {
    std::copy(std::begin(address.addr_bytes), std::end(address.addr_bytes), interface_.mac_address);
    interface_.has_mac_address = true;
  }
}

}  // namespace ringtail::dpdk
