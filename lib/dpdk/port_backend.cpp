#include "dpdk/port_backend.hpp"

#include <algorithm>

#include "dpdk/describe.hpp"
#include "dpdk/eal.hpp"
#include "dpdk/unify.hpp"

namespace ringtail::dpdk {

using ringtail::detail::BackendPointer;

namespace {

// Virtual devices have rings of their own, whatever number of descriptors they were asked for.
constexpr std::uint32_t largest_usual_ring = 65536;

}  // namespace

Result<BackendPointer> PortBackend::open(std::string_view device, std::string_view text, const OpenOptions& options) {
  const auto parsed = parse_device_text(text);
  if (!parsed) return tl::unexpected(parsed.error());
  auto program = compile_filter(options);
  if (!program) return tl::unexpected(program.error());
  if (auto started = start_eal(options.dpdk, options.buffer_bytes); !started) return tl::unexpected(started.error());
  auto claim = PortClaim::open(*parsed, options);
  if (!claim) return tl::unexpected(claim.error());
  std::unique_ptr<PortBackend> backend(
      new PortBackend(std::string(device), options, std::move(*program), std::move(*claim)));
  if (auto allocated = backend->allocate(); !allocated) return tl::unexpected(allocated.error());
  return BackendPointer(backend.release());
}

PortBackend::PortBackend(std::string name, const OpenOptions& options, std::optional<filter::Program> program,
                         PortClaim claim)
    : MbufBackend(std::move(name), options, std::move(program), claim.port().pool(), claim.port().large_pool(),
                  claim.port().credit(), claim.port().lendable_memory()),
      claim_(std::move(claim)),
      clock_(claim_.port(), options.timestamp_type) {
  Interface interface = claim_.port().interface();
  interface.description += std::string("; ") + clock_.description();
  add_interface(std::move(interface));
}

PortBackend::~PortBackend() {
  free_all();  // the last reference is gone, so every batch is back
}

MbufBackend::Fetched PortBackend::fetch(rte_mbuf** mbufs, std::uint32_t most) noexcept {
  Fetched fetched;
  for (std::uint16_t looked = 0; looked < claim_.queue_count() && fetched.kept == 0; ++looked) {
    const auto queue = static_cast<std::uint16_t>(claim_.first_queue() + next_queue_);
    next_queue_ = static_cast<std::uint16_t>((next_queue_ + 1) % claim_.queue_count());
    fetch_queue(queue, mbufs, most, fetched);
  }
  if (fetched.kept > 0) fetched.timestamp_ns = clock_.now_ns();
  return fetched;
}

// A driver may hand over fewer packets than it has: asks until there is none left, or `most` are looked at.
void PortBackend::fetch_queue(std::uint16_t queue, rte_mbuf** mbufs, std::uint32_t most, Fetched& fetched) noexcept {
  fetched.queue = queue;
  std::uint32_t taken = 0;
  while (taken < most) {
    const auto room = static_cast<std::uint16_t>(std::min<std::uint32_t>(most - taken, UINT16_MAX));
    const std::uint16_t got = rte_eth_rx_burst(claim_.port().id(), queue, mbufs + fetched.kept, room);
    if (got == 0) break;
    taken += got;
    fetched.kept += keep_matching(mbufs + fetched.kept, got);
  }
  fetched.looked_at += taken;
}

MbufBackend::Described PortBackend::describe_burst(const Fetched& fetched, rte_mbuf** mbufs,
                                                   PacketDescriptor* descriptors) noexcept {
  const BurstContext burst{memory_base(), fetched.timestamp_ns, snaplen(), fetched.queue};
  const rte_mempool* pool = &claim_.port().pool();
  Described described;
  for (std::uint32_t& index = described.packets; index < fetched.kept; ++index) {
    if (is_plain(*mbufs[index], pool)) [[likely]] {
      describe(*mbufs[index], burst, descriptors[index]);
    } else {
      if (!describe_whole(mbufs[index], burst, descriptors[index], described)) break;
      described.untouched = false;
    }
    described.bytes += descriptors[index].captured_length;
  }
  if (!clock_.device_stamps()) return described;
  for (std::uint32_t index = 0; index < described.packets; ++index) {
    const auto stamp = clock_.stamp_of(*mbufs[index], fetched.timestamp_ns);
    if (!stamp) continue;
    descriptors[index].timestamp_ns = *stamp;
    descriptors[index].flags |= packet_flags::hardware_timestamp;
  }
  return described;
}

std::optional<Error> PortBackend::breakage() {
  if (!claim_.port().was_unplugged()) return std::nullopt;
  return make_error("receive from " + std::string(name()), "the device was unplugged");
}

// What stood in the device's rings when stop() was called still comes, with what arrives meanwhile; but not for ever.
std::uint32_t PortBackend::begin_draining() noexcept {
  return claim_.queue_count() * std::max<std::uint32_t>(claim_.port().descriptors(), largest_usual_ring);
}

PortCounters PortBackend::port_counters() const noexcept {
  if (claim_.first_queue() != 0) return {};  // the device counts for all queues: the reader of the first one tells
  return claim_.port().counters();
}

std::vector<Counter> PortBackend::counters() const {
  std::vector<Counter> counters = {{"filtered_out", filtered_out()}, {"copied_bytes", copied_bytes()}};
  if (clock_.device_stamps()) counters.push_back({"impossible_stamps", clock_.impossible_stamps()});
  if (claim_.first_queue() != 0) return counters;  // as with port_counters()
  const Port& port = claim_.port();
  const PortCounters lost = port_counters();
  const auto in_use = [](const rte_mempool& pool) { return std::uint64_t{rte_mempool_in_use_count(&pool)}; };
  counters.insert(counters.begin(), {{"imissed", lost.imissed},
                                     {"rx_nombuf", lost.rx_nombuf},
                                     {"ierrors", lost.ierrors},
                                     {"flow_rules", port.flow_rules()},
                                     {"lendable", port.lendable_memory() ? 1U : 0U},
                                     {"mbufs", port.pool().size},
                                     {"mbufs_in_use", in_use(port.pool()) + in_use(port.large_pool())},
                                     {"link_up", port.link_is_up() ? 1U : 0U}});
  return counters;
}

}  // namespace ringtail::dpdk
