#include "dpdk/tap.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fcntl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_memzone.h>
#include <rte_pdump.h>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

#include "dpdk/eal.hpp"
#include "dpdk/eal_log.hpp"

namespace ringtail::dpdk {

namespace {

// What rte_pcapng_copy() puts behind a packet: padding, three options, the block's length. Its head goes into the
// headroom.
constexpr std::uint32_t behind_packet_bytes = 48;
constexpr std::uint32_t shortest_data_bytes = 128;
constexpr std::uint32_t least_mbufs = 512;

// A burst may still be on its way through a hook that was taken out: DPDK does not wait for it.
constexpr std::chrono::milliseconds grace{100};

constexpr const char* stats_zone = "rte_pdump_stats";

std::string ports_there_are() {
  std::string list;
  for (std::uint16_t port = 0; port < RTE_MAX_ETHPORTS; ++port) {
    if (rte_eth_dev_is_valid_port(port) == 0) continue;
    char name[RTE_ETH_NAME_MAX_LEN] = "";
    rte_eth_dev_get_name_by_port(port, name);
    list += (list.empty() ? "" : ", ") + std::to_string(port) + " (" + name + ")";
  }
  return list.empty() ? "it has none that is seen from here" : "there are " + list;
}

Result<std::uint16_t> find_port(const std::string& operation, const std::string& text) {
  std::uint16_t port = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_number = fault == std::errc() && end == text.data() + text.size();
  if (is_number ? rte_eth_dev_is_valid_port(port) != 0 : rte_eth_dev_get_port_by_name(text.c_str(), &port) == 0) {
    return port;
  }
  return tl::unexpected(make_error(operation, "the application has no port " + text, ports_there_are()));
}

TapLosses read_losses(std::uint16_t port) noexcept {
  struct rte_pdump_stats stats = {};  // the function is called like it
  // The zone goes with the application, and a look at it must not come afterwards.
  if (rte_memzone_lookup(stats_zone) == nullptr || rte_pdump_stats(port, &stats) != 0) return {};
  return {.no_mbuf = stats.nombuf, .ring_full = stats.ringfull};
}

PortCounters read_port(std::uint16_t port) noexcept {
  rte_eth_stats stats = {};
  if (rte_eth_stats_get(port, &stats) != 0) return {};
  return {.imissed = stats.imissed, .rx_nombuf = stats.rx_nombuf, .ierrors = stats.ierrors};
}

// True when there are none any more. The application's answer is negated, and EINVAL where there were none.
bool take_out_hooks(std::uint16_t port, std::uint32_t direction_flag) noexcept {
  return rte_pdump_disable(port, RTE_PDUMP_ALL_QUEUES, direction_flag) == 0 || std::abs(rte_errno) == EINVAL;
}

std::uint64_t gained_since(std::uint64_t before, std::uint64_t now) noexcept {
  return now > before ? now - before : 0;
}

}  // namespace

Result<std::unique_ptr<Tap>> Tap::open(const TapText& text, const OpenOptions& options, bool whole) {
  std::unique_ptr<Tap> tap(new Tap);
  tap->name_ = "dpdk:pdump:" + text.file_prefix + "/" + text.port;
  if (auto joined = join_application(text.file_prefix, options.dpdk); !joined) return tl::unexpected(joined.error());
  const auto port = find_port("open " + tap->name_, text.port);
  if (!port) return tl::unexpected(port.error());
  tap->port_ = *port;
  if (rte_memzone_lookup(stats_zone) == nullptr) {
    return tl::unexpected(make_error("open " + tap->name_, "the application takes no taps",
                                     "it has to call rte_pdump_init(), as dpdk-testpmd does"));
  }
  if (!agree_on_pools()) {
    return tl::unexpected(make_error("open " + tap->name_, "the application has no packet pool of the usual kind",
                                     "a tap needs one whose mbufs come from a ring (ring_mp_mc, DPDK's default)"));
  }
  const auto result =
      tap->watch_application()
          .and_then([&] { return tap->lock(text.file_prefix); })
          .and_then([&] { return tap->create_memory(options, whole); })
          .and_then([&] { return tap->enable(whole ? UINT32_MAX : options.snaplen, options.direction); });
  if (!result) return tl::unexpected(result.error());
  tap->describe(text, options);
  return tap;
}

Tap::~Tap() {
  stop();
  // Without the application there is nobody to give memory back to.
  if (memory_.ring == nullptr || hooks_remain_ || !application_is_alive()) return;
  std::this_thread::sleep_until(stopped_at_ + grace);
  remove_tap_memory(port_);
}

Result<void> Tap::lock(const std::string& file_prefix) {
  const std::string path = std::string(rte_eal_get_runtime_dir()) + "/ringtail_tap_" + std::to_string(port_);
  base::FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return tl::unexpected(system_error("open " + name_, errno, path));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return tl::unexpected(make_error("open " + name_, "another ringtail taps this port",
                                     "end that one: a port of '" + file_prefix + "' can have one tap"));
  }
  lock_ = std::move(file);
  return clear_leftovers();
}

Result<void> Tap::clear_leftovers() {
  if (!has_tap_memory(port_)) return {};
  if (!take_out_hooks(port_, RTE_PDUMP_FLAG_RX) || !take_out_hooks(port_, RTE_PDUMP_FLAG_TX)) {
    return tl::unexpected(make_error("open " + name_, "the application does not take out the hooks of a killed tap: " +
                                                          std::string(rte_strerror(std::abs(rte_errno)))));
  }
  std::this_thread::sleep_for(grace);
  remove_tap_memory(port_);
  return {};
}

Result<void> Tap::create_memory(const OpenOptions& options, bool whole) {
  std::uint16_t mtu = RTE_ETHER_MTU;
  rte_eth_dev_get_mtu(port_, &mtu);
  const std::uint32_t longest = whole ? mtu + framing_bytes : std::min(options.snaplen, mtu + framing_bytes);
  const std::uint32_t data_bytes = std::clamp<std::uint32_t>(RTE_ALIGN_CEIL(longest + behind_packet_bytes, 64U),
                                                             shortest_data_bytes, largest_data_bytes);
  const std::size_t mbufs = options.buffer_bytes / mbuf_bytes(data_bytes);
  if (mbufs < least_mbufs) {
    return tl::unexpected(make_error(
        "open " + name_,
        std::to_string(options.buffer_bytes >> 20) + " MiB hold " + std::to_string(mbufs) + " packets, " +
            std::to_string(least_mbufs) + " are needed",
        "ask for at least " + std::to_string((least_mbufs * mbuf_bytes(data_bytes) >> 20) + 1) + " MiB (-B)"));
  }
  auto memory = create_tap_memory(port_, static_cast<std::uint32_t>(std::min<std::size_t>(mbufs, RTE_RING_SZ_MASK / 2)),
                                  data_bytes, rte_eth_dev_socket_id(port_));
  if (!memory) return tl::unexpected(memory.error());
  memory_ = *memory;
  stopped_at_ = std::chrono::steady_clock::now();
  return {};
}

// As rte_eal_primary_proc_alive() does; but that opens the file each time, which fails once root's rights are given up.
Result<void> Tap::watch_application() {
  const std::string path = std::string(rte_eal_get_runtime_dir()) + "/config";
  application_ = base::FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (application_.is_open()) return {};
  return tl::unexpected(system_error("open " + name_, errno, path));
}

bool Tap::application_is_alive() const noexcept {
  return ::lockf(application_.get(), F_TEST, 0) != 0;
}

// One direction after the other, so that it is known which hooks are ours when the second is refused.
Result<void> Tap::enable(std::uint32_t snaplen, Direction direction) {
  losses_before_ = read_losses(port_);
  port_losses_before_ = read_port(port_);
  rte_eth_dev_info info = {};
  rte_eth_dev_info_get(port_, &info);
  if (direction != Direction::out && info.nb_rx_queues > 0) {
    if (auto done = enable(snaplen, std::uint32_t{RTE_PDUMP_FLAG_RX}); !done) return done;
  }
  if (direction != Direction::in && info.nb_tx_queues > 0) {
    if (auto done = enable(snaplen, std::uint32_t{RTE_PDUMP_FLAG_TX}); !done) return done;
  }
  if (enabled_ != 0) return {};
  return tl::unexpected(make_error("open " + name_, "the port has no queues in the wanted direction"));
}

Result<void> Tap::enable(std::uint32_t snaplen, std::uint32_t direction_flag) {
  const std::uint64_t mark = EalLog::instance().mark();
  // As pcapng blocks: plain copies have neither a time nor their length before they were cut.
  if (rte_pdump_enable_bpf(port_, RTE_PDUMP_ALL_QUEUES, direction_flag | RTE_PDUMP_FLAG_PCAPNG, snaplen, memory_.ring,
                           memory_.pool, nullptr) == 0) {
    enabled_ |= direction_flag;
    return {};
  }
  const int error_number = std::abs(rte_errno);  // the application's answer is negated
  if (error_number == EEXIST) {
    return tl::unexpected(make_error("open " + name_, "another program taps this port",
                                     "end it (dpdk-dumpcap?): a port can have one tap"));
  }
  std::string reason = EalLog::instance().complaints_since(mark);
  if (reason.empty()) reason = rte_strerror(error_number);
  Error error = make_error("open " + name_, "the application refuses: " + reason);
  error.error_number = error_number;
  return tl::unexpected(std::move(error));
}

void Tap::stop() noexcept {
  if (enabled_ == 0) return;
  for (const std::uint32_t flag : {std::uint32_t{RTE_PDUMP_FLAG_RX}, std::uint32_t{RTE_PDUMP_FLAG_TX}}) {
    if ((enabled_ & flag) == 0 || !application_is_alive()) continue;
    if (!take_out_hooks(port_, flag)) hooks_remain_ = true;
  }
  enabled_ = 0;
  stopped_at_ = std::chrono::steady_clock::now();
}

TapLosses Tap::losses() const noexcept {
  const TapLosses now = read_losses(port_);
  return {.no_mbuf = gained_since(losses_before_.no_mbuf, now.no_mbuf),
          .ring_full = gained_since(losses_before_.ring_full, now.ring_full)};
}

PortCounters Tap::port_losses() const noexcept {
  const PortCounters now = read_port(port_);
  return {.imissed = gained_since(port_losses_before_.imissed, now.imissed),
          .rx_nombuf = gained_since(port_losses_before_.rx_nombuf, now.rx_nombuf),
          .ierrors = gained_since(port_losses_before_.ierrors, now.ierrors)};
}

void Tap::describe(const TapText& text, const OpenOptions& options) {
  char name[RTE_ETH_NAME_MAX_LEN] = "";
  rte_eth_dev_get_name_by_port(port_, name);
  rte_eth_dev_info info = {};
  rte_eth_dev_info_get(port_, &info);
  interface_.name = name;
  interface_.description = "port " + std::to_string(port_) + " of the DPDK application '" + text.file_prefix + "'";
  interface_.hardware = info.driver_name != nullptr ? info.driver_name : "";
  interface_.filter = options.filter;
  interface_.index = info.if_index;
  interface_.snaplen = options.snaplen;
  interface_.link_type = link_type::ethernet;
  rte_ether_addr address = {};
  if (rte_eth_macaddr_get(port_, &address) == 0) {
    std::copy(std::begin(address.addr_bytes), std::end(address.addr_bytes), interface_.mac_address);
    interface_.has_mac_address = true;
  }
}

}  // namespace ringtail::dpdk
