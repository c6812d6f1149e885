#include "lender.hpp"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <fstream>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include "base/quiet_thread.hpp"
#include "log.hpp"

namespace ringtail::daemon {

namespace {

constexpr int look_interval_ms = 100;  // for clients that hold on for too long

/// As many slots as the memory holds, rounded down to a power of two.
share::Geometry geometry_of(const ShareSettings& settings) {
  share::Geometry geometry;
  const std::uint64_t bytes = std::uint64_t{settings.memory_mib} << 20;
  const std::uint64_t slots = std::clamp<std::uint64_t>(bytes / geometry.slot_bytes, 2, share::most_slots);
  geometry.slot_count = static_cast<std::uint32_t>(std::bit_floor(slots));
  return geometry;
}

/// What the process calls itself now, with nothing in it that a terminal would obey. Empty when it is hidden from us.
std::string process_name(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/comm", process));
  std::string name;
  std::getline(file, name);
  for (char& character : name) {
    if (character < ' ' || character > '~') character = '?';
  }
  return name;
}

bool is_one_of(const control::Peer& peer, const std::set<uid_t>& users, const std::set<gid_t>& groups) {
  return users.contains(peer.uid) ||
         std::any_of(groups.begin(), groups.end(), [&peer](gid_t group) { return peer.is_in_group(group); });
}

}  // namespace

Result<std::unique_ptr<Lender>> Lender::open(const std::string& capture, const ShareSettings& settings,
                                             std::size_t workers) {
  auto publisher = share::Publisher::create({.name = capture,
                                             .geometry = geometry_of(settings),
                                             .most_clients = settings.clients,
                                             .hold_limit = settings.hold_limit,
                                             .listens = false});
  if (!publisher) return tl::unexpected(std::move(publisher.error()));
  std::unique_ptr<Lender> lender(new Lender(capture, std::move(*publisher), settings, workers));
  if (!lender->bell_.is_open()) return tl::unexpected(system_error("lend packets of " + capture, errno, "eventfd"));
  return lender;
}

Lender::Lender(std::string capture, share::Publisher publisher, const ShareSettings& settings, std::size_t workers)
    : capture_(std::move(capture)),
      bell_(base::WakeEvent::create()),
      publisher_(std::move(publisher)),
      settings_(settings),
      losses_(workers) {}

Lender::~Lender() {
  end();
}

void Lender::start() {
  thread_ = base::start_quiet_thread([this] { run(); });
}

void Lender::end() {
  ending_.store(true, std::memory_order_relaxed);  // no data comes with it
  bell_.signal();
  if (thread_.joinable()) thread_.join();
  control::ShareStatus last = status();
  last.clients.clear();
  const std::lock_guard lock(mutex_);
  if (!publisher_) return;
  last_ = std::move(last);
  publisher_->serve();  // who came at the last moment is told of the end, too
  publisher_.reset();
  has_clients_.store(false, std::memory_order_relaxed);
}

void Lender::run() {
  const int guests = publisher_->pollable_descriptor();  // the publisher stays until this thread has ended
  bool named_all = true;
  while (!ending_.load(std::memory_order_relaxed)) {
    pollfd readable[] = {{.fd = guests, .events = POLLIN, .revents = 0},
                         {.fd = bell_.descriptor(), .events = POLLIN, .revents = 0}};
    (void)::poll(readable, 2, look_interval_ms);
    const bool names_all = look_after_clients();
    if (named_all && !names_all) {
      log(LogLevel::warning, capture_, "has met too many interfaces: analyzers see further ones as 'others'");
    }
    named_all = names_all;
  }
}

/// True while they can tell all interfaces apart.
bool Lender::look_after_clients() {
  const std::lock_guard lock(mutex_);
  publisher_->serve();
  note_clients();
  return publisher_->names_all_interfaces();
}

void Lender::note_clients() noexcept {
  has_clients_.store(publisher_->stats().clients != 0, std::memory_order_relaxed);
}

bool Lender::may_attach(const control::Peer& peer) const {
  return peer.uid == 0 || peer.uid == ::geteuid() || is_one_of(peer, settings_.users, settings_.groups) ||
         is_trusted(peer);
}

/// Not even root is, unless somebody says so: what is trusted with a ring is a program, and each has its faults.
bool Lender::is_trusted(const control::Peer& peer) const {
  return is_one_of(peer, settings_.ring_users, settings_.ring_groups);
}

void Lender::welcome(base::FileDescriptor socket, const control::Peer& peer) {
  bool allowed = false;
  {
    const std::lock_guard lock(mutex_);
    allowed = may_attach(peer);
    if (publisher_) publisher_->welcome(std::move(socket), allowed, is_trusted(peer));
  }
  if (!allowed) refusals_.tell(capture_, peer, "attach");  // not while workers would have to wait for it
}

void Lender::admit_others(const ShareSettings& settings) {
  const std::lock_guard lock(mutex_);
  settings_.users = settings.users;
  settings_.groups = settings.groups;
  settings_.ring_users = settings.ring_users;
  settings_.ring_groups = settings.ring_groups;
}

void Lender::lend(const Source& source, const Batch& batch, std::vector<std::uint16_t>& interface_ids) {
  const std::lock_guard lock(mutex_);
  while (interface_ids.size() < source.interface_count()) {
    const auto id = publisher_->add_interface(source.interface(static_cast<std::uint16_t>(interface_ids.size())));
    if (!id) return publisher_->miss(batch.size());
    interface_ids.push_back(*id);
  }
  publisher_->publish(batch, interface_ids);
}

void Lender::recall() {
  const std::lock_guard lock(mutex_);
  if (publisher_) publisher_->recall();
}

void Lender::report_losses(std::size_t worker, const Stats& stats) {
  const std::lock_guard lock(mutex_);
  if (!publisher_) return;
  losses_[worker] = stats;
  Stats sum;
  for (const Stats& each : losses_) sum.add_member(each);
  publisher_->report_losses(sum);
}

control::ShareStatus Lender::status() const {
  std::vector<share::ClientFigures> clients;
  control::ShareStatus status{.enabled = true};
  {
    const std::lock_guard lock(mutex_);
    if (!publisher_) return last_;
    clients = publisher_->clients();
    const share::PublisherStats& stats = publisher_->stats();
    status.admitted = stats.admitted;
    status.refused = stats.refused;
    status.evicted = stats.evicted;
    status.broken = stats.broken;
    status.lent_packets = stats.lent_packets;
    status.skipped_packets = stats.skipped_packets;
    status.copied_bytes = stats.copied_bytes;
  }
  for (const share::ClientFigures& each : clients) {
    status.clients.push_back({.name = process_name(each.peer.process),
                              .pid = each.peer.process,
                              .number = each.number,
                              .uid = each.peer.user,
                              .filter = each.filter,
                              .group = each.group,
                              .reads_rings = each.reads_rings,
                              .lent_packets = each.lent_packets,
                              .skipped_packets = each.skipped_packets,
                              .held_slots = each.held_slots,
                              .credit = each.credit});
  }
  return status;
}

}  // namespace ringtail::daemon
