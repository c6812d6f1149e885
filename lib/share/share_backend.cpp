#include "share/share_backend.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <utility>

#include "base/contract.hpp"
#include "base/sealed_memory.hpp"
#include "ring/owned_counter.hpp"
#include "share/interface_record.hpp"
#include "share/ring_memory.hpp"

namespace ringtail::share {

using namespace std::chrono_literals;

namespace {

// What makes no event: our own releases while we hold all we may.
constexpr std::chrono::nanoseconds credit_interval = 200us;
constexpr std::chrono::nanoseconds idle_interval = 1s;
constexpr std::chrono::nanoseconds longest_stop = 1s;  // a publisher that hangs does not confirm it

// What one look may cost, whatever the publisher keeps saying; then it is the caller's turn, or the deadline's. More
// words than a socket holds of them, and more parts without a packet for us than any honest publisher announces.
constexpr int most_words_at_once = 4096;
constexpr int most_empty_parts = 64;

// Words between two packets are few, and reading them is a system call, as is finding that there are none.
constexpr std::uint32_t busy_looks_between_news = 1024;

/// Behind a copy of shared bytes, for the compiler: it may not look at the originals instead.
void forget_originals() noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

ReceiveStatus ShareBackend::receive(std::chrono::nanoseconds timeout, Batch& batch) {
  const base::Deadline deadline = base::Deadline::after(timeout);
  for (;;) {
    if (take_interrupt()) return ReceiveStatus::interrupted;
    if (const auto status = look(batch)) {
      if (ended_) end_reading();
      return *status;
    }
    // Once more: looking has silenced the bell that an interrupt rings.
    if (take_interrupt()) return ReceiveStatus::interrupted;
    const bool without_credit = is_without_credit();
    if (deadline.has_passed()) {
      if (stop_requested_.load()) ring_own_bell();  // our patience with a stop makes no event of its own
      return without_credit ? ReceiveStatus::no_credit : ReceiveStatus::timeout;
    }
    if (!busy_poll_) wait(deadline.remaining(without_credit ? credit_interval : idle_interval));
  }
}

bool ShareBackend::is_without_credit() const noexcept {
  const std::uint32_t credit = lent_header_->credit.load(std::memory_order_relaxed);
  return credit != 0 && held_slots_.load() >= credit;  // 0: not told yet
}

bool ShareBackend::take_interrupt() noexcept {
  return interrupted_.load(std::memory_order_relaxed) && interrupted_.exchange(false);
}

/// Packets or the end; or nothing yet, and then the bell will ring for the next packets.
std::optional<ReceiveStatus> ShareBackend::look(Batch& batch) {
  if (ended_) return ReceiveStatus::end_of_stream;
  const LoanState seen = state();  // first: what was announced before a final state is all there is
  if (seen == LoanState::evicted) {
    fail("its publisher took the packets back", "release batches sooner");
  } else if (lend_next(batch)) {
    return ReceiveStatus::packets;
  } else if (seen != LoanState::lending) {
    ended_ = true;
  } else if (busy_poll_) {
    hear_news_now_and_then();
    look_for_an_end();
  } else if (fall_asleep() && lend_next(batch)) {
    ring_own_bell();  // more may have come without a bell, and who polls must not miss it
    return ReceiveStatus::packets;
  } else {
    look_for_an_end();
  }
  return ended_ ? std::optional(ReceiveStatus::end_of_stream) : std::nullopt;
}

/// Ends that the publisher does not announce: its own, and that of our patience with a stop.
void ShareBackend::look_for_an_end() {
  if (stop_requested_.load() && stop_deadline_.is_never()) stop_deadline_ = base::Deadline::after(longest_stop);
  if (state() != LoanState::lending) return;  // seen on the way here; looked at next time
  if (stop_deadline_.has_passed() || (publisher_gone_ && stop_requested_.load())) {
    ended_ = true;
  } else if (publisher_gone_) {
    fail("its publisher has gone", "use --wait to attach again when it is back");
  }
}

void ShareBackend::fail(std::string reason, std::string remedy) {
  failure_ = make_error("receive from " + device_, std::move(reason), std::move(remedy));
  ended_ = true;
}

void ShareBackend::blame_publisher() {
  fail("its publisher broke the rules", "it may be of another version");
}

/// The next batch of the slot at hand, or of the next one. False: nothing is announced, or nothing but malformed
/// packets for so long that others have to have their turn.
bool ShareBackend::lend_next(Batch& batch) {
  for (int part = 0; !ended_ && (walk_ || begin_walk()); ++part) {
    if (part == most_empty_parts) {
      ring_own_bell();
      return false;
    }
    detail::BatchSlot* const slot = pool_->take();
    base::require(slot != nullptr, "there are batches for all slots");
    const std::uint64_t captured_bytes = copy_checked(*slot);
    // A slot that was taken back meanwhile may hold anything by now.
    const bool evicted = state() == LoanState::evicted;
    if (slot->count != 0 && !evicted) {
      ledger_.lend(walk_->slot);
      batch = lend(*slot, captured_bytes);
    } else {
      pool_->give_back(*slot);
    }
    if (walk_->next == walk_->end) end_walk();
    if (!batch.empty()) return true;
    if (evicted) return false;
  }
  return false;
}

bool ShareBackend::begin_walk() {
  const Announcement& announcement = announcements_[next_announcement_ & (geometry_.slot_count - 1)];
  // Pairs with the store in Borrower::announce(); sequentially consistent for the sake of fall_asleep().
  if (announcement.position.load(std::memory_order_seq_cst) != next_announcement_ + 1) return false;
  // Once each: the publisher may write on, and what was checked must be what is used.
  const std::uint32_t packets = announcement.packets.load(std::memory_order_relaxed);
  Walk walk = {.memory = {},
               .slot = announcement.slot.load(std::memory_order_relaxed),
               .next = 0,
               .end = packets,
               .is_selective = announcement.selected.load(std::memory_order_relaxed) != packets};
  const std::uint32_t memory_name = announcement.memory.load(std::memory_order_relaxed);
  const LentMemory* const memory = memory_name != 0 ? memory_called(memory_name) : nullptr;
  if (ended_) return false;
  const bool is_known = memory_name == 0 || memory != nullptr;
  if (!is_known || walk.slot >= geometry_.slot_count || walk.end < 1 || walk.end > geometry_.slot_packets ||
      ledger_.is_held(walk.slot)) {
    blame_publisher();
    return false;
  }
  slot_memories_[walk.slot] = memory != nullptr ? memory->mapping : nullptr;
  walk.memory = memory != nullptr ? memory->mapping->memory() : memory_.packets.memory();
  if (walk.is_selective) {
    const std::size_t words = geometry_.selection_words();
    const std::size_t entry = next_announcement_ & (geometry_.slot_count - 1);
    std::memcpy(selection_.data(), selections_ + entry * words, words * sizeof(std::uint64_t));
    forget_originals();
  }
  ++next_announcement_;
  ledger_.begin_walk(walk.slot);
  held_slots_.fetch_add(1);
  walk_ = walk;
  return true;
}

/// Null: it was never handed over.
const ShareBackend::LentMemory* ShareBackend::memory_called(std::uint32_t name) {
  const LentMemory& memory = memories_[name % memory_places];
  if (memory.name != name) {
    read_all_news();             // it was sent before it was announced
    if (rung_) ring_own_bell();  // a bell that we heard there must still be heard by whoever polls
  }
  return memory.name == name ? &memory : nullptr;
}

void ShareBackend::read_all_news() {
  for (int words = 0; words < most_words_at_once && !publisher_gone_ && !ended_; ++words) {
    News news = read_news(socket_.get());
    if (news.kind == News::Kind::nothing_yet) return;
    rung_ = true;
    if (news.kind == News::Kind::hung_up) {
      publisher_gone_ = true;
    } else if (news.kind == News::Kind::memory || (news.kind == News::Kind::ring && takes_rings_)) {
      auto mapping = news.kind == News::Kind::ring ? map_ring(news.descriptor.get(), news.ring_bytes)
                                                   : base::map_all_sealed(news.descriptor.get());
      if (!mapping) return fail(mapping.error().message(), "");
      mapping->keep_from_children();  // a ring's packet socket would live as long as the last of them
      memories_[news.place] = {.name = name_memory(++memories_received_, news.place),
                               .mapping = std::make_shared<const base::Mapping>(std::move(*mapping))};
    } else if (news.kind == News::Kind::memory_gone) {
      memories_[news.place] = {};
    } else if (news.kind != News::Kind::bell) {
      blame_publisher();
    }
  }
}

/// A ring that is mapped keeps its packet socket in the kernel, bound and receiving if its owner was killed. So it goes
/// with the last batch, and does not wait for the end of this source.
void ShareBackend::end_reading() noexcept {
  if (walk_) end_walk();
  memories_ = {};
}

/// The next descriptors of the walk, one batch of them at most: how many.
std::uint32_t ShareBackend::copy_descriptors(PacketDescriptor* descriptors) noexcept {
  const auto* const shared =
      reinterpret_cast<const PacketDescriptor*>(memory_.packets.data() + geometry_.slot_offset(walk_->slot));
  std::uint32_t count = 0;
  if (walk_->is_selective) {
    for (; walk_->next < walk_->end && count < batch_packets_; ++walk_->next) {
      const bool is_ours = (selection_[walk_->next / 64] >> walk_->next % 64 & 1) != 0;
      if (is_ours) std::memcpy(descriptors + count++, shared + walk_->next, sizeof(PacketDescriptor));
    }
  } else {
    count = std::min(walk_->end - walk_->next, batch_packets_);
    std::memcpy(descriptors, shared + walk_->next, count * sizeof(PacketDescriptor));
    walk_->next += count;
  }
  forget_originals();
  return count;
}

/// Fills `slot` from the walk: descriptors that point into the shared memory, cut to the snaplen. They are copied, and
/// only the copies are looked at: the publisher may write on meanwhile. Their captured bytes.
std::uint64_t ShareBackend::copy_checked(detail::BatchSlot& slot) {
  const std::uint32_t count = copy_descriptors(slot.descriptors);
  slot.memory_base = walk_->memory.data();
  slot.block_index = walk_->slot;
  slot.count = 0;
  const std::uint64_t memory_bytes = walk_->memory.size();
  std::uint64_t captured_bytes = 0;
  for (std::uint32_t index = 0; index < count; ++index) {
    PacketDescriptor packet = slot.descriptors[index];
    if (packet.interface_id >= interfaces_.size()) learn_interfaces();
    const bool sound = packet.offset <= memory_bytes && packet.captured_length <= memory_bytes - packet.offset &&
                       packet.captured_length <= packet.wire_length && packet.interface_id < interfaces_.size();
    if (!sound) continue;
    packet.captured_length = std::min(packet.captured_length, snaplen_);
    packet.interface_id = static_cast<std::uint16_t>(
        std::min<std::uint32_t>(first_interface_id_ + packet.interface_id, ring::InterfaceTable::capacity - 1));
    captured_bytes += packet.captured_length;
    slot.descriptors[slot.count++] = packet;
  }
  ring::add_by_owner(malformed_, count - slot.count);
  return captured_bytes;
}

void ShareBackend::end_walk() noexcept {
  const std::uint32_t slot = walk_->slot;
  walk_.reset();
  if (ledger_.done(slot)) give_back(slot);
}

void ShareBackend::release(detail::BatchSlot& slot) noexcept {
  const std::uint32_t shared_slot = slot.block_index;
  pool_->give_back(slot);
  if (ledger_.done(shared_slot)) give_back(shared_slot);
}

// In this order: once the publisher knows, it may announce the slot again, and then the ledger must be clear.
void ShareBackend::give_back(std::uint32_t slot) noexcept {
  slot_memories_[slot].reset();
  ledger_.returned(slot);
  held_slots_.fetch_sub(1);
  returns_.give_back(slot);
}

void ShareBackend::learn_interfaces() {
  // Pairs with the release in Publisher::add_interface(): the records are complete.
  const std::uint32_t count =
      std::min(packets_header_->interface_count.load(std::memory_order_acquire), interface_capacity);
  while (interfaces_.size() < count) {
    InterfaceRecord record;
    std::memcpy(&record, memory_.packets.data() + Geometry::records_offset + interfaces_.size() * sizeof record,
                sizeof record);
    forget_originals();
    interfaces_.add(from_record(record));
  }
}

LoanState ShareBackend::state() const noexcept {
  // Pairs with the release in Borrower::set_state().
  return static_cast<LoanState>(lent_header_->state.load(std::memory_order_acquire));
}

/// Silences the bell and asks for it to be rung again. False: we had asked already, and it has not rung since.
bool ShareBackend::fall_asleep() noexcept {
  read_all_news();
  const bool was_rung = std::exchange(rung_, false);
  const bool rung = wake_.drain() || was_rung;
  if (asleep_ && !rung) return false;
  asleep_ = true;
  sleep_ = sleep_ == UINT32_MAX ? 1 : sleep_ + 1;
  // Before the next look at the announcements; pairs with the load in Borrower::wake_if_waiting().
  answers_->waiting.store(sleep_, std::memory_order_seq_cst);
  return true;
}

/// In the place of falling asleep: nobody rings for us.
void ShareBackend::hear_news_now_and_then() {
  if (++looks_since_news_ < busy_looks_between_news) return;
  looks_since_news_ = 0;
  read_all_news();
}

void ShareBackend::wait(std::chrono::nanoseconds timeout) noexcept {
  constexpr std::int64_t second = 1'000'000'000;
  const timespec limit = {.tv_sec = timeout.count() / second, .tv_nsec = timeout.count() % second};
  epoll_event event = {};
  (void)::epoll_pwait2(epoll_.get(), &event, 1, &limit, nullptr);
}

void ShareBackend::ring_own_bell() noexcept {
  wake_.signal();
}

void ShareBackend::stop() noexcept {
  stop_requested_.store(true);
  answers_->paused.store(1, std::memory_order_relaxed);
  ring_own_bell();
}

void ShareBackend::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_relaxed);
  ring_own_bell();
}

// The connection stays until the last batch is back: without it the publisher would reuse what they lie in.
void ShareBackend::shut_down() noexcept {
  answers_->paused.store(1, std::memory_order_relaxed);
  if (walk_) end_walk();
  // Slots that go back here may be announced again by a publisher that ignores the pause: one round is all we owe it.
  for (std::uint32_t slot = 0; slot < geometry_.slot_count && !ended_ && begin_walk(); ++slot) end_walk();
  memories_ = {};
}

Stats ShareBackend::stats() {
  Stats stats;
  add_delivery(stats);
  const std::uint64_t skipped = lent_header_->skipped_packets.load(std::memory_order_relaxed);
  stats.malformed = malformed_.load(std::memory_order_relaxed);
  stats.dropped_ring = skipped + packets_header_->dropped_ring.load(std::memory_order_relaxed) - before_.dropped_ring;
  stats.dropped_interface =
      packets_header_->dropped_interface.load(std::memory_order_relaxed) - before_.dropped_interface;
  stats.freezes = packets_header_->freezes.load(std::memory_order_relaxed) - before_.freezes;
  stats.truncated = packets_header_->truncated.load(std::memory_order_relaxed) - before_.truncated;
  const std::uint64_t announced = lent_header_->announced_packets.load(std::memory_order_relaxed);
  // Never below zero, whatever the publisher has written.
  stats.unread = announced - std::min(announced, stats.delivered + stats.malformed);
  stats.received = stats.delivered + stats.unread + stats.dropped_ring;
  return stats;
}

std::vector<Counter> ShareBackend::counters() const {
  return {{.name = "skipped_packets", .value = lent_header_->skipped_packets.load(std::memory_order_relaxed)},
          {.name = "skipped_batches", .value = lent_header_->skipped_batches.load(std::memory_order_relaxed)},
          {.name = "held_slots", .value = held_slots_.load()},
          {.name = "slot_credit", .value = lent_header_->credit.load(std::memory_order_relaxed)}};
}

}  // namespace ringtail::share
