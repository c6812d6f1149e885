#include "share/publisher.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "share/address.hpp"
#include "share/interface_record.hpp"

namespace ringtail::share {

namespace {

constexpr std::uint32_t places_for_others = 16;

bool is_root_or_ourselves(const PeerCredentials& peer) {
  return peer.user == 0 || peer.user == ::geteuid();
}

/// Which flow falls to whom is nothing a sender should know.
std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  (void)!::getrandom(&seed, sizeof seed, GRND_NONBLOCK);  // early in a boot it may be 0, which works as well
  return seed;
}

}  // namespace

Result<Publisher> Publisher::create(PublisherOptions options) {
  const std::string operation = "lend packets as '" + options.name + "'";
  if (!options.geometry.is_sane()) return tl::unexpected(usage_error(operation, "the geometry is impossible"));
  if (options.most_clients < 1 || options.most_clients > LoanBook::most_clients) {
    return tl::unexpected(usage_error(operation, std::to_string(options.most_clients) + " clients are not possible",
                                      "choose 1 to " + std::to_string(LoanBook::most_clients)));
  }
  if (options.directory.empty()) options.directory = default_directory();
  if (!options.admits) options.admits = is_root_or_ourselves;
  auto packets =
      base::SealedMemory::create("ringtail-packets", options.geometry.packets_bytes(), base::Writers::owner_alone);
  if (!packets) return tl::unexpected(std::move(packets.error()));
  base::FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.is_open()) return tl::unexpected(system_error(operation, errno, "epoll"));
  std::string path;
  base::FileDescriptor listener;
  if (options.listens) {
    auto listening = socket_path(options.directory, options.name).and_then([&](std::string found) {
      path = std::move(found);
      return listen_at(path);
    });
    if (!listening) return tl::unexpected(std::move(listening.error()));
    listener = std::move(*listening);
  }
  Publisher publisher(std::move(options), std::move(path), std::move(listener), std::move(epoll), std::move(*packets));
  if (publisher.listener_.is_open() && !publisher.watch_listener()) {
    return tl::unexpected(system_error(operation, errno, "epoll"));
  }
  return publisher;
}

Publisher::Publisher(PublisherOptions options, std::string path, base::FileDescriptor listener,
                     base::FileDescriptor epoll, base::SealedMemory packets)
    : options_(std::move(options)),
      path_(std::move(path)),
      listener_(std::move(listener)),
      epoll_(std::move(epoll)),
      packets_(std::move(packets)),
      header_(new (packets_.data()) PacketsHeader()),
      book_(options_.geometry.slot_count),
      audience_(random_seed()),
      memories_(memory_places),
      clients_(options_.most_clients),
      parts_(options_.most_clients),
      numbers_(options_.most_clients) {
  for (Part& part : parts_) part.selection.resize(options_.geometry.selection_words());
  link_types_.reserve(interface_capacity);
}

Publisher::~Publisher() {
  if (listener_.is_open()) ::unlink(path_.c_str());
  for (std::optional<Borrower>& client : clients_) {
    if (client) client->set_state(LoanState::ended);
  }
}

/// Interfaces come and go for years, filters too, which are in their records; and clients know what they were once
/// told.
std::optional<std::uint16_t> Publisher::add_interface(const Interface& interface) noexcept {
  if (const auto id = find_or_add(to_record(interface), interface_capacity - places_for_others)) return id;
  names_all_interfaces_ = false;
  return find_or_add(to_record({.name = "others", .link_type = interface.link_type}), interface_capacity);
}

/// Adds one if there are fewer than `most`.
std::optional<std::uint16_t> Publisher::find_or_add(const InterfaceRecord& record, std::uint32_t most) noexcept {
  const std::uint32_t count = header_->interface_count.load(std::memory_order_relaxed);
  std::byte* const records = packets_.data() + Geometry::records_offset;
  for (std::uint32_t id = 0; id < count; ++id) {
    if (std::memcmp(records + id * sizeof record, &record, sizeof record) == 0) return static_cast<std::uint16_t>(id);
  }
  if (count >= most) return std::nullopt;
  std::memcpy(records + count * sizeof record, &record, sizeof record);
  link_types_.push_back(record.link_type);
  header_->interface_count.store(count + 1, std::memory_order_release);  // pairs with ShareBackend::learn_interfaces()
  return static_cast<std::uint16_t>(count);
}

void Publisher::report_losses(const Stats& stats) noexcept {
  header_->dropped_ring.store(stats.dropped_ring, std::memory_order_relaxed);
  header_->dropped_interface.store(stats.dropped_interface, std::memory_order_relaxed);
  header_->freezes.store(stats.freezes, std::memory_order_relaxed);
  header_->truncated.store(stats.truncated, std::memory_order_relaxed);
}

std::vector<ClientFigures> Publisher::clients() const {
  std::vector<ClientFigures> figures;
  figures.reserve(clients_.size());
  for (std::uint32_t client = 0; client < clients_.size(); ++client) {
    if (!clients_[client]) continue;
    figures.push_back(clients_[client]->figures());
    figures.back().held_slots = book_.held(client);
    figures.back().credit = credit_;
    figures.back().number = numbers_[client];
    figures.back().reads_rings = (trusted_ & set_of(client)) != 0;
  }
  return figures;
}

/// Everything the client held is free; its socket closes, which it notices.
void Publisher::dismiss(std::uint32_t client) noexcept {
  clients_[client].reset();
  book_.forget(client);
  audience_.leave(client);
  trusted_ &= ~set_of(client);
  --stats_.clients;
  share_credit();
}

void Publisher::share_credit() noexcept {
  if (stats_.clients == 0) return;
  credit_ = std::max(1U, (options_.geometry.slot_count - 1) / stats_.clients);
  for (std::optional<Borrower>& client : clients_) {
    if (client) client->set_credit(credit_);
  }
}

}  // namespace ringtail::share
