#include "dpdk/backend.hpp"

#include <algorithm>

#include "base/deadline.hpp"
#include "base/sanitizer.hpp"
#include "dpdk/describe.hpp"
#include "dpdk/eal.hpp"
#include "dpdk/idle_wait.hpp"
#include "dpdk/unify.hpp"
#include "filter/compile.hpp"
#include "ring/owned_counter.hpp"

namespace ringtail::dpdk {

using ringtail::detail::BackendPointer;
using ringtail::detail::BatchSlot;

namespace {

constexpr std::string_view device_prefix = "dpdk:";

// Slots beyond what full batches need: on a slow link batches are small, and many of them may be out.
constexpr std::uint32_t smallest_usual_batch = 16;

// Virtual devices have rings of their own, whatever number of descriptors they were asked for.
constexpr std::uint32_t largest_usual_ring = 65536;

const std::byte* lowest_address(const rte_mempool& pool) noexcept {
  const rte_mempool_memhdr* chunk = nullptr;
  const void* lowest = nullptr;
  STAILQ_FOREACH(chunk, &pool.mem_list, next) {
    if (lowest == nullptr || chunk->addr < lowest) lowest = chunk->addr;
  }
  return static_cast<const std::byte*>(lowest);
}

// Nothing where everything is wanted.
Result<std::optional<filter::Program>> compile_filter(const OpenOptions& options) {
  if (options.filter.empty()) return std::nullopt;
  auto program = filter::compile(options.filter, link_type::ethernet, filter::CompileFor::here);
  if (!program) return tl::unexpected(program.error());
  return *std::move(program);
}

}  // namespace

Result<BackendPointer> open_backend(std::string_view device, const OpenOptions& options) {
  return DpdkBackend::open(device, options);
}

Result<BackendPointer> DpdkBackend::open(std::string_view device, const OpenOptions& options) {
  std::string_view text = device;
  if (text.starts_with(device_prefix)) text.remove_prefix(device_prefix.size());
  const auto parsed = parse_device_text(text);
  if (!parsed) return tl::unexpected(parsed.error());
  auto program = compile_filter(options);
  if (!program) return tl::unexpected(program.error());
  if (auto started = start_eal(options.dpdk, options.buffer_bytes); !started) return tl::unexpected(started.error());
  auto claim = PortClaim::open(*parsed, options);
  if (!claim) return tl::unexpected(claim.error());
  std::optional<MbufFilter> filter;
  if (*program) filter.emplace(std::move(**program));
  std::unique_ptr<DpdkBackend> backend(
      new DpdkBackend(std::string(device), options, std::move(filter), std::move(*claim)));
  if (auto allocated = backend->allocate(); !allocated) return tl::unexpected(allocated.error());
  return BackendPointer(backend.release());
}

DpdkBackend::DpdkBackend(std::string name, const OpenOptions& options, std::optional<MbufFilter> filter,
                         PortClaim claim)
    : name_(std::move(name)),
      batch_packets_(std::min(options.batch_packets, claim.port().credit())),
      snaplen_(options.snaplen),
      busy_poll_(options.dpdk.busy_poll),
      filter_(std::move(filter)),
      claim_(std::move(claim)),
      clock_(claim_.port(), options.timestamp_type),
      memory_base_(lowest_address(claim_.port().pool())) {
  interfaces_.add(claim_.port().interface());
}

Result<void> DpdkBackend::allocate() {
  const std::uint32_t credit = claim_.port().credit();
  const std::uint32_t slots = std::max(credit / smallest_usual_batch, credit / batch_packets_ + 1);
  auto pool = ring::BatchPool::create(*this, slots, batch_packets_);
  if (!pool) return tl::unexpected(pool.error());
  slots_.emplace(std::move(*pool));
  mbufs_ = std::make_unique_for_overwrite<rte_mbuf*[]>(std::size_t{slots} * batch_packets_);
  mbuf_counts_ = std::make_unique<std::uint32_t[]>(slots);
  free_slots_.reserve(slots);
  reclaim();
  return {};
}

DpdkBackend::~DpdkBackend() {
  if (slots_) reclaim();  // the last reference is gone, so every batch is back
}

ReceiveStatus DpdkBackend::receive(std::chrono::nanoseconds timeout, Batch& batch) {
  if (ended_.load(std::memory_order_relaxed)) return ReceiveStatus::end_of_stream;
  adopt_this_thread();
  ReceiveStatus status = poll(batch);
  if (timeout == std::chrono::nanoseconds::zero()) return status;
  const auto is_wait = [](ReceiveStatus seen) {
    return seen == ReceiveStatus::timeout || seen == ReceiveStatus::no_credit;
  };
  if (!is_wait(status)) return status;

  const base::Deadline deadline = base::Deadline::after(timeout);
  IdleWait idle(!busy_poll_);
  while (is_wait(status) && !deadline.has_passed()) {
    looked_at_ == 0 ? idle.wait() : idle.begin_anew();  // what the filter refused is traffic, too
    status = poll(batch);
  }
  return status;
}

ReceiveStatus DpdkBackend::poll(Batch& batch) {
  if (interrupted_.load(std::memory_order_relaxed) && interrupted_.exchange(false)) return ReceiveStatus::interrupted;
  reclaim();
  if (stopping_.load(std::memory_order_relaxed)) begin_draining();
  if (draining_ && drain_left_ == 0) return end(std::nullopt);
  std::uint32_t credit = claim_.port().credit() - lent_mbufs_;
  if (free_slots_.empty() || credit == 0) return ReceiveStatus::no_credit;
  if (draining_) credit = std::min(credit, drain_left_);

  BatchSlot& slot = *free_slots_.back();
  rte_mbuf** mbufs = mbufs_of(slot);
  std::uint32_t count = 0;
  std::uint16_t queue = 0;
  looked_at_ = 0;
  for (std::uint16_t looked = 0; looked < claim_.queue_count() && count == 0; ++looked) {
    queue = static_cast<std::uint16_t>(claim_.first_queue() + next_queue_);
    next_queue_ = static_cast<std::uint16_t>((next_queue_ + 1) % claim_.queue_count());
    count = fetch(queue, mbufs, std::min(batch_packets_, credit));
  }
  if (draining_) drain_left_ -= std::min(looked_at_, drain_left_);
  if (count == 0) return nothing_found();

  free_slots_.pop_back();
  base::unpoison(slot.descriptors, std::size_t{batch_packets_} * sizeof(PacketDescriptor));
  const BurstContext burst{memory_base_, clock_.now_ns(), snaplen_, queue};
  const std::uint64_t bytes = describe_burst(burst, mbufs, count, slot.descriptors);
  mbuf_counts_[slot.index] = count;
  lent_mbufs_ += count;
  slot.count = count;
  slot.memory_base = memory_base_;
  ring::add_by_owner(received_, count);
  batch = lend(slot, bytes);
  return ReceiveStatus::packets;
}

// Frees what was given back since the last burst. The receiving thread.
void DpdkBackend::reclaim() noexcept {
  while (BatchSlot* slot = slots_->take()) {
    std::uint32_t& count = mbuf_counts_[slot->index];
    rte_pktmbuf_free_bulk(mbufs_of(*slot), count);
    lent_mbufs_ -= count;
    count = 0;
    base::poison(slot->descriptors, std::size_t{batch_packets_} * sizeof(PacketDescriptor));
    free_slots_.push_back(slot);
  }
}

// A driver may hand over fewer packets than it has: asks until there is none left, or `most` are looked at.
std::uint32_t DpdkBackend::fetch(std::uint16_t queue, rte_mbuf** mbufs, std::uint32_t most) noexcept {
  std::uint32_t taken = 0;
  std::uint32_t kept = 0;
  while (taken < most) {
    const auto room = static_cast<std::uint16_t>(std::min<std::uint32_t>(most - taken, UINT16_MAX));
    const std::uint16_t got = rte_eth_rx_burst(claim_.port().id(), queue, mbufs + kept, room);
    if (got == 0) break;
    taken += got;
    kept += filter_ ? filter_->keep_matching(mbufs + kept, got) : got;
  }
  looked_at_ += taken;
  if (taken > kept) ring::add_by_owner(filtered_out_, taken - kept);
  return kept;
}

std::uint64_t DpdkBackend::describe_burst(const BurstContext& burst, rte_mbuf** mbufs, std::uint32_t count,
                                          PacketDescriptor* descriptors) noexcept {
  std::uint64_t bytes = 0;
  for (std::uint32_t index = 0; index < count; ++index) {
    if (needs_unifying(*mbufs[index])) [[unlikely]] {
      describe_rare(mbufs[index], burst, descriptors[index]);
    } else {
      describe(*mbufs[index], burst, descriptors[index]);
    }
    bytes += descriptors[index].captured_length;
  }
  if (!clock_.device_stamps()) return bytes;
  for (std::uint32_t index = 0; index < count; ++index) {
    const auto stamp = clock_.stamp_of(*mbufs[index]);
    if (!stamp) continue;
    descriptors[index].timestamp_ns = *stamp;
    descriptors[index].flags |= packet_flags::hardware_timestamp;
  }
  return bytes;
}

void DpdkBackend::describe_rare(rte_mbuf*& packet, const BurstContext& burst, PacketDescriptor& descriptor) noexcept {
  std::uint64_t copied_bytes = 0;
  packet = unify(packet, claim_.port().large_pool(), copied_bytes);
  ring::add_by_owner(copied_bytes_, copied_bytes);
  describe(*packet, burst, descriptor);
  if (descriptor.captured_length < std::min(descriptor.wire_length, snaplen_)) {
    descriptor.flags |= packet_flags::truncated;
    ring::add_by_owner(truncated_, 1);
  }
}

ReceiveStatus DpdkBackend::nothing_found() {
  if (draining_ && looked_at_ == 0) return end(std::nullopt);
  if (claim_.port().was_unplugged()) return end(make_error("receive from " + name_, "the device was unplugged"));
  return ReceiveStatus::timeout;
}

// What stood in the device's rings when stop() was called still comes, with what arrives meanwhile; but not for ever.
void DpdkBackend::begin_draining() noexcept {
  if (draining_) return;
  draining_ = true;
  drain_left_ = claim_.queue_count() * std::max<std::uint32_t>(claim_.port().descriptors(), largest_usual_ring);
}

ReceiveStatus DpdkBackend::end(std::optional<Error> failure) {
  failure_ = std::move(failure);
  final_counters_ = claim_.port().counters();
  ended_.store(true, std::memory_order_release);  // pairs with port_counters()
  return ReceiveStatus::end_of_stream;
}

void DpdkBackend::stop() noexcept {
  stopping_.store(true, std::memory_order_relaxed);
}

void DpdkBackend::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_relaxed);
}

void DpdkBackend::shut_down() noexcept {
  claim_.stop();
}

PortCounters DpdkBackend::port_counters() const noexcept {
  if (claim_.first_queue() != 0) return {};  // the device counts for all queues: the reader of the first one tells
  if (ended_.load(std::memory_order_acquire)) return final_counters_;  // pairs with end()
  return claim_.port().counters();
}

Stats DpdkBackend::stats() {
  Stats stats;
  add_delivery(stats);
  stats.received = std::max(received_.load(std::memory_order_relaxed), stats.delivered);
  stats.unread = stats.received - stats.delivered;
  stats.dropped_interface = port_counters().total();
  stats.truncated = truncated_.load(std::memory_order_relaxed);
  return stats;
}

std::vector<Counter> DpdkBackend::counters() const {
  std::vector<Counter> counters = {{"filtered_out", filtered_out_.load(std::memory_order_relaxed)},
                                   {"copied_bytes", copied_bytes_.load(std::memory_order_relaxed)}};
  if (claim_.first_queue() != 0) return counters;  // as with port_counters()
  const Port& port = claim_.port();
  const PortCounters lost = port_counters();
  const auto in_use = [](const rte_mempool& pool) { return std::uint64_t{rte_mempool_in_use_count(&pool)}; };
  counters.insert(counters.begin(), {{"imissed", lost.imissed},
                                     {"rx_nombuf", lost.rx_nombuf},
                                     {"ierrors", lost.ierrors},
                                     {"mbufs", port.pool().size},
                                     {"mbufs_in_use", in_use(port.pool()) + in_use(port.large_pool())},
                                     {"link_up", port.link_is_up() ? 1U : 0U}});
  return counters;
}

}  // namespace ringtail::dpdk
