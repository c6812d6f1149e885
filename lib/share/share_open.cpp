// Attaching: everything that can go wrong before the first packet.
#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/sealed_memory.hpp"
#include "share/address.hpp"
#include "share/share_backend.hpp"
#include "share/wish.hpp"

namespace ringtail::share {

namespace {

/// What the publisher decides for all its clients cannot be asked for by one.
std::optional<std::string> impossible_wish(const OpenOptions& options) {
  if (options.direction != Direction::inout) return "a direction cannot be asked for";
  if (options.link_type) return "a link type cannot be asked for";
  if (options.fanout) return "it cannot be a member of a fanout group";
  return std::nullopt;
}

/// A ring cannot be sealed. From whom we would not take it we get copies.
bool is_trusted_publisher(int socket) {
  const auto peer = credentials_of_peer(socket);
  return peer && (peer->user == 0 || peer->user == ::geteuid());
}

/// A filter is compiled here, for the kinds of links the publisher has: what it compiles would cost it time and name
/// servers.
Result<Request> request_for(const Wish& wanted, const std::string& filter, int socket, const std::string& operation,
                            const base::Deadline& deadline) {
  Request request{.sharing = wanted.sharing,
                  .key = wanted.key,
                  .group = wanted.group,
                  .filter_text = filter,
                  .takes_rings = is_trusted_publisher(socket)};
  if (filter.empty()) return request;
  const auto told = greet(socket, {.intent = Intent::ask}, operation, deadline);
  if (!told) return tl::unexpected(told.error());
  auto compiled = compile_filter(filter, std::span(told->welcome.link_types).first(told->welcome.link_type_count));
  if (!compiled) return tl::unexpected(std::move(compiled.error()));
  request.filter = std::move(*compiled);
  return request;
}

bool watch(int epoll, int descriptor) {
  epoll_event event = {.events = EPOLLIN, .data = {.fd = descriptor}};
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

}  // namespace

Result<detail::BackendPointer> ShareBackend::open(std::string_view device, std::string_view text,
                                                  const OpenOptions& options, std::uint16_t first_interface_id,
                                                  const base::Deadline& deadline) {
  const std::string operation = "open " + std::string(device);
  if (const auto wish = impossible_wish(options)) return tl::unexpected(usage_error(operation, *wish));
  if (options.snaplen < 1 || options.batch_packets < 1) {
    return tl::unexpected(usage_error(operation, "the snaplen and the packets of a batch are at least 1"));
  }
  const auto wanted = parse_wish(text, operation);
  if (!wanted) return tl::unexpected(wanted.error());
  const auto path = socket_path(default_directory(), wanted->publisher);
  if (!path) return tl::unexpected(path.error());
  auto socket = connect_to(*path, operation, deadline);
  if (!socket) return tl::unexpected(std::move(socket.error()));
  auto request = request_for(*wanted, options.filter, socket->get(), operation, deadline);
  if (!request) return tl::unexpected(std::move(request.error()));
  auto greeting = greet(socket->get(), *request, operation, deadline);
  if (!greeting) return tl::unexpected(std::move(greeting.error()));

  const Geometry& geometry = greeting->welcome.geometry;
  auto packets = base::map_sealed(greeting->descriptors[0].get(), geometry.packets_bytes(), false);
  if (!packets) return tl::unexpected(std::move(packets.error()));
  auto lent = base::map_sealed(greeting->descriptors[1].get(), geometry.lent_bytes(), false);
  if (!lent) return tl::unexpected(std::move(lent.error()));
  auto returned = base::map_sealed(greeting->descriptors[2].get(), geometry.returned_bytes(), true);
  if (!returned) return tl::unexpected(std::move(returned.error()));

  base::WakeEvent wake = base::WakeEvent::create();
  base::FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!watch(epoll.get(), socket->get()) || !watch(epoll.get(), wake.descriptor())) {
    return tl::unexpected(system_error(operation, errno, "epoll"));
  }
  std::unique_ptr<ShareBackend, detail::BackendDeleter> backend(
      new ShareBackend(std::string(device), options, first_interface_id, geometry,
                       {std::move(*packets), std::move(*lent), std::move(*returned)},
                       {std::move(*socket), std::move(wake), std::move(epoll)}, request->takes_rings));
  if (auto ready = backend->make_batch_pool(); !ready) return tl::unexpected(std::move(ready.error()));
  backend->ring_own_bell();  // the publisher rings for those alone who have looked once, and some poll before that
  return detail::BackendPointer(std::move(backend));
}

ShareBackend::ShareBackend(std::string device, const OpenOptions& options, std::uint16_t first_interface_id,
                           const Geometry& geometry, Memory memory, Descriptors descriptors, bool takes_rings)
    : device_(std::move(device)),
      snaplen_(options.snaplen),
      batch_packets_(std::min(options.batch_packets, geometry.slot_packets)),
      first_interface_id_(first_interface_id),
      geometry_(geometry),
      takes_rings_(takes_rings),
      busy_poll_(options.busy_poll),
      memory_(std::move(memory)),
      socket_(std::move(descriptors.socket)),
      wake_(std::move(descriptors.wake)),
      epoll_(std::move(descriptors.epoll)),
      packets_header_(reinterpret_cast<const PacketsHeader*>(memory_.packets.data())),
      lent_header_(reinterpret_cast<const LentHeader*>(memory_.lent.data())),
      announcements_(reinterpret_cast<const Announcement*>(memory_.lent.data() + sizeof(LentHeader))),
      selections_(reinterpret_cast<const std::uint64_t*>(memory_.lent.data() + geometry.selections_offset())),
      answers_(reinterpret_cast<ReturnedHeader*>(memory_.returned.data())),
      returns_(reinterpret_cast<Return*>(memory_.returned.data() + sizeof(ReturnedHeader)), geometry.slot_count),
      ledger_(geometry.slot_count),
      slot_memories_(geometry.slot_count),
      selection_(geometry.selection_words()) {
  learn_interfaces();
  before_.dropped_ring = packets_header_->dropped_ring.load(std::memory_order_relaxed);
  before_.dropped_interface = packets_header_->dropped_interface.load(std::memory_order_relaxed);
  before_.freezes = packets_header_->freezes.load(std::memory_order_relaxed);
  before_.truncated = packets_header_->truncated.load(std::memory_order_relaxed);
}

/// One batch for every part that every slot can be handed out in.
Result<void> ShareBackend::make_batch_pool() {
  constexpr std::uint64_t most_batches = 1U << 20;
  const std::uint64_t parts = (geometry_.slot_packets + batch_packets_ - 1) / batch_packets_;
  const std::uint64_t batches = geometry_.slot_count * parts;
  if (batches > most_batches) {
    return tl::unexpected(make_error("open " + device_, std::to_string(batches) + " batches would be needed",
                                     "ask for more packets per batch"));
  }
  auto pool = ring::BatchPool::create(*this, static_cast<std::uint32_t>(batches), batch_packets_);
  if (!pool) return tl::unexpected(std::move(pool.error()));
  pool_.emplace(std::move(*pool));
  return {};
}

}  // namespace ringtail::share
