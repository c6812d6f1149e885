#include "dpdk/tap_backend.hpp"

#include <chrono>
#include <thread>

#include "dpdk/describe.hpp"
#include "dpdk/unify.hpp"

namespace ringtail::dpdk {

using ringtail::detail::BackendPointer;

namespace {

// For a burst that the application was copying when it took its hooks out.
constexpr std::chrono::milliseconds time_for_the_last_burst{5};

}  // namespace

Result<BackendPointer> TapBackend::open(std::string_view device, std::string_view text, const OpenOptions& options) {
  const auto parsed = parse_tap_text(text);
  if (!parsed) return tl::unexpected(parsed.error());
  if (options.dpdk.queues != 1 || options.dpdk.queue) {
    return tl::unexpected(usage_error("open " + std::string(device), "a tap has one ring for all queues of the port",
                                      "read it with one thread"));
  }
  auto program = compile_filter(options);
  if (!program) return tl::unexpected(program.error());
  auto tap = Tap::open(*parsed, options, program->has_value());  // a filter may look behind the snaplen
  if (!tap) return tl::unexpected(tap.error());
  std::unique_ptr<TapBackend> backend(
      new TapBackend(std::string(device), options, std::move(*program), std::move(*tap)));
  if (auto allocated = backend->allocate(); !allocated) return tl::unexpected(allocated.error());
  return BackendPointer(backend.release());
}

TapBackend::TapBackend(std::string name, const OpenOptions& options, std::optional<filter::Program> program,
                       std::unique_ptr<Tap> tap)
    : MbufBackend(std::move(name), options, std::move(program), tap->pool(), tap->large_pool(), tap->credit()),
      tap_(std::move(tap)),
      stamp_clock_(rte_get_tsc_hz()) {
  add_interface(tap_->interface());
}

TapBackend::~TapBackend() {
  free_all();  // the last reference is gone, so every batch is back
}

MbufBackend::Fetched TapBackend::fetch(rte_mbuf** mbufs, std::uint32_t most) noexcept {
  looked_ticks_ = clock_.now_ticks();
  const std::uint32_t taken = tap_->take(mbufs, most);
  if (taken == 0) {
    empty_ticks_ = looked_ticks_;
    return {};
  }
  stamp_clock_.begin_look(looked_ticks_, std::exchange(empty_ticks_, 0));
  const std::uint32_t sound = unwrap_all(mbufs, taken);
  return {.looked_at = taken, .kept = keep_matching(mbufs, sound)};
}

std::uint32_t TapBackend::unwrap_all(rte_mbuf** mbufs, std::uint32_t count) noexcept {
  std::uint32_t sound = 0;
  for (std::uint32_t index = 0; index < count; ++index) {
    rte_mbuf* packet = mbufs[index];
    if (unwrap(*packet)) [[likely]] {
      stamp_clock_.observe(note_of(*packet).stamp);
      mbufs[sound++] = packet;
    } else {
      rte_pktmbuf_free(packet);
    }
  }
  if (sound < count) count_malformed(count - sound);
  return sound;
}

MbufBackend::Described TapBackend::describe_burst(const Fetched& fetched, rte_mbuf** mbufs,
                                                  PacketDescriptor* descriptors) noexcept {
  Described described;
  std::uint64_t stamp = 0;  // the application stamps whole bursts
  std::uint64_t stamp_ns = 0;
  for (std::uint32_t& index = described.packets; index < fetched.kept; ++index) {
    const TappedNote note = note_of(*mbufs[index]);
    if (index == 0 || note.stamp != stamp) {
      stamp = note.stamp;
      stamp_ns = clock_.to_ns(stamps_are_ticks ? stamp : stamp_clock_.to_ticks(stamp));
    }
    PacketDescriptor& descriptor = descriptors[index];
    if (!describe_packet(mbufs[index], note, descriptor, described)) break;
    descriptor.timestamp_ns = stamp_ns;
    described.bytes += descriptor.captured_length;
  }
  return described;
}

// False when it has to wait.
bool TapBackend::describe_packet(rte_mbuf*& packet, const TappedNote& note, PacketDescriptor& descriptor,
                                 Described& described) noexcept {
  const bool plain = is_plain(*packet, &tap_->pool());
  if (!describe_whole(packet, {memory_base(), 0, snaplen(), note.queue}, descriptor, described)) return false;
  if (!plain) described.untouched = false;
  descriptor.flags = (descriptor.flags & ~packet_flags::direction_mask) | note.flags;
  descriptor.wire_length = note.wire_length;
  return true;
}

std::optional<Error> TapBackend::breakage() {
  if (looked_ticks_ - asked_ticks_ < rte_get_tsc_hz()) return std::nullopt;
  asked_ticks_ = looked_ticks_;
  if (tap_->application_is_alive()) return std::nullopt;
  return make_error("receive from " + std::string(name()), "the application has ended");
}

std::uint32_t TapBackend::begin_draining() noexcept {
  tap_->stop();
  std::this_thread::sleep_for(time_for_the_last_burst);
  return tap_->pool().size;
}

void TapBackend::add_losses(Stats& stats) const noexcept {
  const TapLosses losses = tap_->losses();
  stats.dropped_ring = losses.no_mbuf + losses.ring_full;
  stats.dropped_interface = tap_->port_losses().total();
}

std::vector<Counter> TapBackend::counters() const {
  const TapLosses losses = tap_->losses();
  const PortCounters port = tap_->port_losses();
  return {{"tap_no_mbuf", losses.no_mbuf},
          {"tap_ring_full", losses.ring_full},
          {"imissed", port.imissed},
          {"rx_nombuf", port.rx_nombuf},
          {"ierrors", port.ierrors},
          {"mbufs", tap_->pool().size},
          {"mbufs_in_use", rte_mempool_in_use_count(&tap_->pool())},
          {"filtered_out", filtered_out()},
          {"copied_bytes", copied_bytes()}};
}

}  // namespace ringtail::dpdk
