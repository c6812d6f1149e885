#include "dpdk/mbuf_backend.hpp"

#include <algorithm>
#include <rte_cycles.h>
#include <rte_pause.h>
#include <utility>

#include "base/deadline.hpp"
#include "base/sanitizer.hpp"
#include "dpdk/eal.hpp"
#include "dpdk/unify.hpp"
#include "filter/compile.hpp"

namespace ringtail::dpdk {

using ringtail::detail::BatchSlot;

namespace {

// Slots beyond what full batches need: on a slow link batches are small, and many of them may be out.
constexpr std::uint32_t smallest_usual_batch = 16;

std::byte* lowest_address(const rte_mempool& pool) noexcept {
  const rte_mempool_memhdr* chunk = nullptr;
  void* lowest = nullptr;
  STAILQ_FOREACH(chunk, &pool.mem_list, next) {
    if (lowest == nullptr || chunk->addr < lowest) lowest = chunk->addr;
  }
  return static_cast<std::byte*>(lowest);
}

std::optional<MbufFilter> filter_of(std::optional<filter::Program> program) {
  if (!program) return std::nullopt;
  return std::optional<MbufFilter>(std::in_place, std::move(*program));
}

}  // namespace

Result<std::optional<filter::Program>> compile_filter(const OpenOptions& options) {
  if (options.filter.empty()) return std::nullopt;
  auto program = filter::compile(options.filter, link_type::ethernet, filter::CompileFor::here);
  if (!program) return tl::unexpected(program.error());
  return *std::move(program);
}

MbufBackend::MbufBackend(std::string name, const OpenOptions& options, std::optional<filter::Program> program,
                         rte_mempool& pool, rte_mempool& large_pool, MbufCredit credit,
                         std::optional<ringtail::detail::LendableMemory> memory)
    : name_(std::move(name)),
      credit_(credit),
      batch_packets_(std::min(options.batch_packets, credit.mbufs)),
      snaplen_(options.snaplen),
      busy_poll_(options.busy_poll),
      filter_(filter_of(std::move(program))),
      pool_(pool),
      large_pool_(large_pool),
      memory_base_(std::min(lowest_address(pool), lowest_address(large_pool))),
      memory_(memory),
      pace_(rte_get_tsc_hz()) {}

Result<void> MbufBackend::allocate() {
  const std::uint32_t slots = std::max(credit_.mbufs / smallest_usual_batch, credit_.mbufs / batch_packets_ + 1);
  auto pool = ring::BatchPool::create(*this, slots, batch_packets_);
  if (!pool) return tl::unexpected(pool.error());
  slots_.emplace(std::move(*pool));
  mbufs_ = std::make_unique_for_overwrite<rte_mbuf*[]>(std::size_t{slots} * batch_packets_);
  loans_ = std::make_unique<Loan[]>(slots);
  waiting_mbufs_ = std::make_unique_for_overwrite<rte_mbuf*[]>(batch_packets_);
  free_slots_.reserve(slots);
  reclaim();
  return {};
}

MbufBackend::~MbufBackend() = default;

ReceiveStatus MbufBackend::receive(std::chrono::nanoseconds timeout, Batch& batch) {
  if (ended_.load(std::memory_order_relaxed)) return ReceiveStatus::end_of_stream;
  adopt_this_thread();
  ReceiveStatus status = poll(batch);
  if (timeout == std::chrono::nanoseconds::zero()) return status;
  const auto is_wait = [](ReceiveStatus seen) {
    return seen == ReceiveStatus::timeout || seen == ReceiveStatus::no_credit;
  };
  if (!is_wait(status)) return status;

  const base::Deadline deadline = base::Deadline::after(timeout);
  while (is_wait(status) && !deadline.has_passed()) {
    if (looked_at_ == 0) wait();
    status = poll(batch);
  }
  return status;
}

void MbufBackend::wait() noexcept {
  rte_pause();
  if (!busy_poll_ && pace_.may_nap(rte_rdtsc())) LookPace::nap();
}

ReceiveStatus MbufBackend::poll(Batch& batch) {
  if (interrupted_.load(std::memory_order_relaxed) && interrupted_.exchange(false)) return ReceiveStatus::interrupted;
  reclaim();
  if (stopping_.load(std::memory_order_relaxed) && !draining_) {
    draining_ = true;
    drain_left_ = begin_draining();
  }
  looked_at_ = 0;
  if (waiting_.kept == 0) return look(batch);
  if (free_slots_.empty()) return ReceiveStatus::no_credit;
  std::copy_n(waiting_mbufs_.get(), waiting_.kept, mbufs_of(*free_slots_.back()));
  return hand_out(std::exchange(waiting_, {}), batch);
}

ReceiveStatus MbufBackend::look(Batch& batch) {
  if (draining_ && drain_left_ == 0) return end(std::nullopt);
  std::uint32_t credit = credit_.mbufs - lent_mbufs_;
  if (free_slots_.empty() || credit == 0) return ReceiveStatus::no_credit;
  if (draining_) credit = std::min(credit, drain_left_);

  const Fetched fetched = fetch(mbufs_of(*free_slots_.back()), std::min(batch_packets_, credit));
  looked_at_ = fetched.looked_at;
  pace_.found(looked_at_);  // what the filter refused is traffic, too
  if (draining_) drain_left_ -= std::min(looked_at_, drain_left_);
  if (fetched.kept == 0) return nothing_found();
  ring::add_by_owner(received_, fetched.kept);
  return hand_out(fetched, batch);
}

// The packets are in the mbufs of the slot that is next. Those in several mbufs may have to wait for large ones, and
// all behind them wait, too: they stay in order.
ReceiveStatus MbufBackend::hand_out(const Fetched& fetched, Batch& batch) {
  BatchSlot& slot = *free_slots_.back();
  rte_mbuf** mbufs = mbufs_of(slot);
  base::unpoison(slot.descriptors, std::size_t{batch_packets_} * sizeof(PacketDescriptor));
  const Described described = describe_burst(fetched, mbufs, slot.descriptors);
  if (described.packets < fetched.kept) [[unlikely]] {
    waiting_ = fetched;
    waiting_.kept -= described.packets;
    std::copy_n(mbufs + described.packets, waiting_.kept, waiting_mbufs_.get());
    if (described.packets == 0) return ReceiveStatus::no_credit;
  }
  free_slots_.pop_back();
  loans_[slot.index] = {
      .count = described.packets, .large_mbufs = described.large_mbufs, .untouched = described.untouched};
  lent_mbufs_ += described.packets;
  lent_large_mbufs_ += described.large_mbufs;
  slot.count = described.packets;
  slot.memory_base = memory_base_;
  batch = lend(slot, described.bytes);
  return ReceiveStatus::packets;
}

void MbufBackend::reclaim() noexcept {
  if (!slots_) return;
  while (BatchSlot* slot = slots_->take()) {
    Loan& loan = loans_[slot->index];
    rte_mbuf** mbufs = mbufs_of(*slot);
    if (loan.untouched) {
      // As rte_pktmbuf_free_bulk() would, without another look at each mbuf: describe_burst() has looked.
      rte_mempool_put_bulk(&pool_, reinterpret_cast<void**>(mbufs), loan.count);
    } else {
      rte_pktmbuf_free_bulk(mbufs, loan.count);
    }
    lent_mbufs_ -= loan.count;
    lent_large_mbufs_ -= loan.large_mbufs;
    loan = {};
    base::poison(slot->descriptors, std::size_t{batch_packets_} * sizeof(PacketDescriptor));
    free_slots_.push_back(slot);
  }
}

void MbufBackend::free_all() noexcept {
  reclaim();
  rte_pktmbuf_free_bulk(waiting_mbufs_.get(), std::exchange(waiting_.kept, 0));
}

std::optional<ringtail::detail::LendableMemory> MbufBackend::lendable_memory() const noexcept {
  const bool has_plenty = lent_mbufs_ <= credit_.mbufs / 2 && lent_large_mbufs_ <= credit_.large_mbufs / 2 &&
                          free_slots_.size() >= slots_->slots() / 2;
  return has_plenty ? memory_ : std::nullopt;
}

// What lies behind the captured bytes, a packet's rest that the snaplen cut off, is nobody's.
ringtail::detail::Margins MbufBackend::margins(const BatchSlot& slot) const noexcept {
  ringtail::detail::Margins margins{.base = memory_base_, .front_bytes = UINT32_MAX, .back_bytes = UINT32_MAX};
  const rte_mbuf* const* mbufs = mbufs_of(slot);
  for (std::uint32_t index = 0; index < slot.count; ++index) {
    const rte_mbuf& packet = *mbufs[index];
    if (!is_ours_alone(packet)) return {};
    const std::uint32_t behind = packet.buf_len - packet.data_off - slot.descriptors[index].captured_length;
    margins.front_bytes = std::min<std::uint32_t>(margins.front_bytes, packet.data_off);
    margins.back_bytes = std::min(margins.back_bytes, behind);
  }
  return margins;
}

// A packet of another pool is a driver's, or another process'; one with a second reference somebody else reads.
bool MbufBackend::is_ours_alone(const rte_mbuf& packet) const noexcept {
  constexpr std::uint64_t elsewhere = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
  return packet.nb_segs == 1 && rte_mbuf_refcnt_read(&packet) == 1 && (packet.ol_flags & elsewhere) == 0 &&
         (packet.pool == &pool_ || packet.pool == &large_pool_);
}

std::uint32_t MbufBackend::keep_matching(rte_mbuf** mbufs, std::uint32_t count) noexcept {
  if (!filter_ || count == 0) return count;
  const std::uint32_t kept = filter_->keep_matching(mbufs, count);
  if (kept < count) ring::add_by_owner(filtered_out_, count - kept);
  return kept;
}

bool MbufBackend::describe_whole(rte_mbuf*& packet, const BurstContext& burst, PacketDescriptor& descriptor,
                                 Described& described) noexcept {
  if (needs_unifying(*packet)) {
    const bool in_pieces = packet->nb_segs > 1;
    if (in_pieces && lent_large_mbufs_ + described.large_mbufs == credit_.large_mbufs) return false;
    std::uint64_t copied_bytes = 0;
    rte_mbuf* whole = unify(packet, large_pool_, copied_bytes);
    if (whole == nullptr) return false;
    packet = whole;
    described.large_mbufs += in_pieces ? 1 : 0;
    ring::add_by_owner(copied_bytes_, copied_bytes);
  }
  describe(*packet, burst, descriptor);
  if (descriptor.captured_length >= std::min(descriptor.wire_length, snaplen_)) return true;
  descriptor.flags |= packet_flags::truncated;
  ring::add_by_owner(truncated_, 1);
  return true;
}

ReceiveStatus MbufBackend::nothing_found() {
  if (draining_ && looked_at_ == 0) return end(std::nullopt);
  auto broken = breakage();
  return broken ? end(std::move(broken)) : ReceiveStatus::timeout;
}

ReceiveStatus MbufBackend::end(std::optional<Error> failure) {
  failure_ = std::move(failure);
  ended();
  ended_.store(true, std::memory_order_relaxed);
  return ReceiveStatus::end_of_stream;
}

Stats MbufBackend::stats() {
  Stats stats;
  add_losses(stats);
  add_delivery(stats);
  const std::uint64_t received = std::max(received_.load(std::memory_order_relaxed), stats.delivered);
  stats.unread = received - stats.delivered;
  stats.received = received + stats.dropped_ring;
  stats.truncated = truncated_.load(std::memory_order_relaxed);
  stats.malformed = malformed_.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace ringtail::dpdk
