#include "tpacket/tpacket_backend.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <poll.h>
#include <sys/epoll.h>
#include <utility>

#include "base/affinity.hpp"
#include "ring/link_types.hpp"

namespace ringtail::tpacket {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t ethernet_header_bytes = 14;
// While everything is lent there is no event to wait for: releases happen without a system call. Looked for this often.
constexpr std::chrono::nanoseconds credit_look_interval = 200us;
// While the interface is down its removal makes no event of its own.
constexpr std::chrono::nanoseconds removal_look_interval = 200ms;
// After the filter was exchanged, a packet that had passed the old one needs this long at most to reach the ring.
constexpr std::chrono::nanoseconds filter_settle_time = 20ms;

// A full block is noticed this much later on a busy ring, as a part of the time a packet may wait in a part-filled one.
constexpr int retire_timeouts_per_patience = 25;

constexpr std::uint64_t socket_mark = 0;
constexpr std::uint64_t wake_mark = 1;

DirectionCheck direction_check(const OpenOptions& options, const Link* link, const std::vector<Link>& all_links) {
  DirectionCheck check{.direction = options.direction, .loopback_index = {}, .any = link == nullptr};
  if (link != nullptr) {
    if (link->is_loopback()) check.loopback_index = 0;
    return check;
  }
  for (const Link& candidate : all_links) {
    if (candidate.is_loopback()) check.loopback_index = candidate.index;
  }
  return check;
}

Result<void> check_link_type(const std::string& device, const OpenOptions& options, const Link* link) {
  if (!options.link_type) return {};
  if (link != nullptr && ring::link_type_of_hardware(link->hardware_type) == *options.link_type) return {};
  return tl::unexpected(make_error("open " + device,
                                   "link type " + std::to_string(*options.link_type) + " is not offered by it",
                                   "'ringtail capture -L -i " + device + "' lists its link types"));
}

// Edge triggered: poll() on a packet socket reports readable as long as the block before the next one is ours, lent
// or not (packet_poll()); the edge comes once per block the kernel hands over (prb_close_block()).
epoll_event edge_of_socket() noexcept {
  return {.events = EPOLLIN | EPOLLERR | EPOLLET, .data = {.u64 = socket_mark}};
}

Result<base::FileDescriptor> make_epoll(const std::string& device, int socket, int wake) {
  base::FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event socket_event = edge_of_socket();
  epoll_event wake_event = {.events = EPOLLIN, .data = {.u64 = wake_mark}};
  if (!epoll.is_open() || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, socket, &socket_event) != 0 ||
      ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake, &wake_event) != 0) {
    return tl::unexpected(system_error("open " + device, errno, "epoll"));
  }
  return epoll;
}

}  // namespace

Result<std::unique_ptr<TpacketBackend, detail::BackendDeleter>> TpacketBackend::open(
    const std::string& device, const OpenOptions& options, std::span<const sock_filter> user_filter,
    std::uint16_t first_interface_id) {
  auto links = LinkQuery::open();
  if (!links) return tl::unexpected(std::move(links.error()));
  const bool any = device == "any";
  Link link;
  std::vector<Link> all_links;
  if (any) {
    auto listed = links->all();
    if (!listed) return tl::unexpected(std::move(listed.error()));
    all_links = std::move(*listed);
  } else {
    auto found = links->by_name(device);
    if (!found) return tl::unexpected(std::move(found.error()));
    link = std::move(*found);
  }
  const Link* one = any ? nullptr : &link;
  if (auto offered = check_link_type(device, options, one); !offered) {
    return tl::unexpected(std::move(offered.error()));
  }

  const bool ethernet_phase = any || ring::link_type_of_hardware(link.hardware_type) == link_type::ethernet;
  auto geometry = compute_geometry(options, ethernet_phase ? ethernet_header_bytes : 0);
  if (!geometry) return tl::unexpected(std::move(geometry.error()));
  auto filter = build_filter(user_filter, direction_check(options, one, all_links), geometry->captured_limit);
  if (!filter) return tl::unexpected(std::move(filter.error()));

  SocketSettings settings{.device = device,
                          .interface_index = link.index,
                          .geometry = *geometry,
                          .filter = std::move(*filter),
                          .promiscuous = options.promiscuous,
                          .timestamp_type = options.timestamp_type,
                          .fill_rx_hash = options.flow_hash,
                          .lock_filter = options.lock_filter,
                          .fanout = options.fanout,
                          .numa_node = options.numa_node};
  if (options.numa_node == numa_automatic) settings.numa_node = any ? -1 : base::device_numa_node(device);
  auto socket = PacketSocket::open(std::move(settings));
  if (!socket) return tl::unexpected(std::move(socket.error()));

  base::WakeEvent wake = base::WakeEvent::create();
  if (!wake.is_open()) return tl::unexpected(system_error("open " + device, errno, "eventfd"));
  auto epoll = make_epoll(device, socket->descriptor(), wake.descriptor());
  if (!epoll) return tl::unexpected(std::move(epoll.error()));

  std::unique_ptr<TpacketBackend, detail::BackendDeleter> backend(
      new TpacketBackend(device, options, geometry->block_count, std::move(*socket), std::move(*links),
                         std::move(*epoll), std::move(wake)));
  auto reader = RingReader::create(*backend, *backend, backend->socket_.ring(), *geometry, options.batch_packets,
                                   options.flow_hash);
  if (!reader) return tl::unexpected(std::move(reader.error()));
  backend->reader_ = std::make_unique<RingReader>(std::move(*reader));
  backend->interface_index_ = link.index;
  backend->first_interface_id_ = first_interface_id;
  if (!any) (void)backend->resolve(link.index, link.hardware_type);
  backend->interface_drops_before_ = backend->interface_drops();
  return backend;
}

TpacketBackend::TpacketBackend(std::string device, const OpenOptions& options, std::uint32_t block_count,
                               PacketSocket socket, LinkQuery links, base::FileDescriptor epoll, base::WakeEvent wake)
    : device_(std::move(device)),
      options_(options),
      wake_(std::move(wake)),
      socket_(std::move(socket)),
      epoll_(std::move(epoll)),
      pace_(block_count, std::chrono::nanoseconds(options.retire_timeout) / retire_timeouts_per_patience),
      links_(std::move(links)) {}

ReceiveStatus TpacketBackend::receive(std::chrono::nanoseconds timeout, Batch& batch) {
  const base::Deadline deadline = timeout == 0ns ? base::Deadline::after(0ns) : base::Deadline::after(timeout);
  bool waited = false;
  for (;;) {
    if (interrupted_.load(std::memory_order_relaxed) && interrupted_.exchange(false)) return ReceiveStatus::interrupted;
    if (stop_requested_.load(std::memory_order_relaxed) && phase_ == Phase::flowing) begin_drain();
    const Look seen = look(batch);
    if (seen == Look::packets) {
      if (std::exchange(edge_is_taken_, false)) renew_edge();
      return ReceiveStatus::packets;
    }
    if (seen == Look::nothing && phase_ != Phase::flowing && drained()) return ReceiveStatus::end_of_stream;
    if (waited && deadline.has_passed()) {
      if (phase_ != Phase::flowing) wake_.signal();  // the end of a drain makes no event of its own
      return seen == Look::held ? ReceiveStatus::no_credit : ReceiveStatus::timeout;
    }
    wait(deadline.remaining(1h), seen);
    waited = true;
  }
}

Look TpacketBackend::look(Batch& batch) {
  detail::BatchSlot* slot = nullptr;
  std::uint64_t captured_bytes = 0;
  const Look seen = reader_->next(slot, captured_bytes);
  if (seen == Look::packets) {
    batch = lend(*slot, captured_bytes);
    link_is_down_ = false;
  }
  return seen;
}

// On a busy ring: sleeps until the next block is due, if that is soon. False when only the event can tell.
bool TpacketBackend::nap(std::chrono::nanoseconds timeout) noexcept {
  const std::chrono::nanoseconds now = std::chrono::system_clock::now().time_since_epoch();  // CLOCK_REALTIME
  const auto now_ns = static_cast<std::uint64_t>(now.count());
  const std::chrono::nanoseconds nap = std::min(timeout, pace_.nap(reader_->last_block(), now_ns));
  if (nap <= 0ns) return false;
  const timespec limit = {.tv_sec = 0, .tv_nsec = static_cast<long>(nap.count())};
  pollfd wake = {.fd = wake_.descriptor(), .events = POLLIN, .revents = 0};
  if (::ppoll(&wake, 1, &limit, nullptr) > 0) wake_.drain();
  return true;
}

// Whoever polls has to hear of what else is in the block that this edge was for: modifying an entry looks at the socket
// anew (ep_modify(), fs/eventpoll.c).
void TpacketBackend::renew_edge() noexcept {
  epoll_event socket_event = edge_of_socket();
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket_.descriptor(), &socket_event);
}

// Whoever calls this has looked after the last wait and found nothing; whatever arrives from then on makes an edge.
void TpacketBackend::wait(std::chrono::nanoseconds timeout, Look last_look) noexcept {
  if (last_look == Look::nothing && phase_ == Phase::flowing && !link_is_down_ && nap(timeout)) return;
  if (last_look == Look::held) timeout = std::min(timeout, credit_look_interval);
  if (link_is_down_) timeout = std::min(timeout, removal_look_interval);
  if (phase_ == Phase::draining) timeout = std::min(timeout, std::chrono::nanoseconds(5ms));
  const timespec limit = {.tv_sec = static_cast<time_t>(timeout / 1s),
                          .tv_nsec = static_cast<long>((timeout % 1s).count())};
  epoll_event events[2];
  const int ready = ::epoll_pwait2(epoll_.get(), events, 2, &limit, nullptr);
  bool socket_error = false;
  for (int index = 0; index < ready; ++index) {
    if (events[index].data.u64 == wake_mark) {
      wake_.drain();
    } else {
      edge_is_taken_ = true;
      socket_error = (events[index].events & EPOLLERR) != 0;
    }
  }
  if (socket_error || link_is_down_) note_socket_error();
}

// FAULTS "Interfaces": going down is reported once and coming up again needs nothing from us; a removed interface is
// found by asking.
void TpacketBackend::note_socket_error() noexcept {
  const int error = socket_.take_error();
  if (error == ENETDOWN) link_is_down_ = true;
  if (phase_ != Phase::flowing) return;
  if (socket_.has_lost_interface()) {
    end(system_error("capture on " + device_, ENODEV, "interface " + device_ + " went away",
                     "use --wait to carry on when it is back"));
  } else if (error != 0 && error != ENETDOWN) {
    end(system_error("capture on " + device_, error, "packet socket"));
  }
}

// The stream breaks off, but what the ring holds is still delivered.
void TpacketBackend::end(Error failure) noexcept {
  failure_ = std::move(failure);
  has_failed_.store(true, std::memory_order_release);  // pairs with failure()
  begin_drain();
}

const Error* TpacketBackend::failure() const noexcept {
  return has_failed_.load(std::memory_order_acquire) ? &failure_ : nullptr;  // pairs with end()
}

void TpacketBackend::begin_drain() noexcept {
  phase_ = Phase::draining;
  {
    const std::scoped_lock lock(counts_mutex_);
    // Before the hook is gone: afterwards the kernel counts frames that nobody listens to as dropped.
    interface_drops_ = interface_drops() - interface_drops_before_;
    interface_drops_final_ = true;
  }
  stopped_exactly_ = socket_.stop_inflow();
  quiet_deadline_ = base::Deadline::after(stopped_exactly_ ? 0ns : filter_settle_time);
  // The block that the kernel is filling comes when its retire timer has run, with some slack for a busy machine.
  drain_deadline_ = base::Deadline::after(2 * options_.retire_timeout + 500ms);
}

bool TpacketBackend::drained() const noexcept {
  if (!quiet_deadline_.has_passed()) return false;
  return !reader_->kernel_block_has_packets() || drain_deadline_.has_passed();
}

std::optional<detail::LendableMemory> TpacketBackend::lendable_memory() const noexcept {
  if (!reader_->is_worth_lending()) return std::nullopt;
  return detail::LendableMemory{.descriptor = socket_.descriptor(),
                                .inode = socket_.inode(),
                                .base = socket_.ring().data(),
                                .bytes = socket_.ring().size(),
                                .is_sealed = false};
}

void TpacketBackend::stop() noexcept {
  stop_requested_.store(true, std::memory_order_relaxed);
  wake_.signal();
}

void TpacketBackend::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_relaxed);
  wake_.signal();
}

void TpacketBackend::shut_down() noexcept {
  // The mapping keeps the socket alive while batches are out, so closing would not be enough.
  if (phase_ == Phase::flowing) begin_drain();
  phase_ = Phase::ended;
}

Stats TpacketBackend::stats() {
  Stats stats;
  add_delivery(stats);  // before the kernel's figures, so that received is never behind delivered
  const std::scoped_lock lock(counts_mutex_);
  const KernelCounts counts = socket_.read_counts();
  received_ += counts.packets;
  dropped_ring_ += counts.drops;
  freezes_ += counts.freezes;
  if (!interface_drops_final_) interface_drops_ = interface_drops() - interface_drops_before_;
  stats.received = received_;
  stats.dropped_ring = dropped_ring_;
  stats.freezes = freezes_;
  stats.dropped_interface = interface_drops_;
  stats.truncated = reader_->truncated();
  stats.malformed = reader_->malformed();
  const std::uint64_t accounted = stats.delivered + stats.dropped_ring;
  stats.unread = stats.received > accounted ? stats.received - accounted : 0;
  return stats;
}

// Of the interface, or of all of them for "any". The caller holds counts_mutex_ or is still opening.
std::uint64_t TpacketBackend::interface_drops() {
  if (interface_index_ != 0) {
    const auto link = links_.by_index(interface_index_);
    return link ? link->dropped : interface_drops_before_ + interface_drops_;
  }
  const auto links = links_.all();
  std::uint64_t sum = 0;
  if (links) {
    for (const Link& link : *links) sum += link.dropped;
  }
  return std::max(sum, interface_drops_before_ + interface_drops_);
}

std::uint16_t TpacketBackend::resolve(std::uint32_t interface_index, std::uint16_t hardware_type) {
  for (std::uint16_t id = 0; id < interfaces_.size(); ++id) {
    const bool is_the_one = interface_index_ != 0 || interfaces_[id].index == interface_index;
    if (is_the_one) return static_cast<std::uint16_t>(first_interface_id_ + id);
  }
  std::optional<Link> link;
  {
    const std::scoped_lock lock(counts_mutex_);  // links_ has one asker at a time
    link = links_.by_index(interface_index);
  }
  Interface interface;
  if (link) {
    interface = describe_link(*link);
  } else {
    interface.name = "if" + std::to_string(interface_index);  // gone before we could ask
    interface.index = interface_index;
  }
  interface.link_type = ring::link_type_of_hardware(hardware_type);
  interface.filter = options_.filter;
  interface.snaplen = options_.snaplen;
  return static_cast<std::uint16_t>(first_interface_id_ + interfaces_.add(std::move(interface)));
}

}  // namespace ringtail::tpacket
