// The quick half of the publisher: who gets which packets, and how.
#include <algorithm>
#include <bit>
#include <cerrno>
#include <fcntl.h>

#include "share/publisher.hpp"

namespace ringtail::share {

namespace {

template <typename Function>
void for_each_client(ClientSet clients, Function function) {
  for (; clients != 0; clients &= clients - 1) function(static_cast<std::uint32_t>(std::countr_zero(clients)));
}

/// A driver may hand over packets that lie in somebody else's memory.
bool lies_in(const detail::LendableMemory& memory, const Batch& batch) {
  return std::all_of(batch.begin(), batch.end(), [&memory](const PacketView& packet) {
    // Modulo 2^64: what lies before the base is far behind the end.
    const std::uint64_t offset =
        std::bit_cast<std::uintptr_t>(packet.data()) - std::bit_cast<std::uintptr_t>(memory.base);
    return offset <= memory.bytes && packet.captured_length() <= memory.bytes - offset;
  });
}

}  // namespace

void Publisher::publish(const Batch& batch, std::span<const std::uint16_t> interface_ids) noexcept {
  if (batch.empty() || stats_.clients == 0) return;
  call_in_overdue();
  const detail::BatchSlot& slot = *batch.slot();
  Portion portion{.memory_base = slot.memory_base, .interface_ids = interface_ids};
  const auto memory = slot.owner->lendable_memory();
  if (!memory) call_in_hoarded(slot.owner);
  const bool is_readable = memory && readers_of(memory->is_sealed) != 0 && lies_in(*memory, batch);
  const auto place = is_readable ? place_of(*memory) : std::nullopt;
  if (place && !has_old_loans(*place)) {
    portion.batch = &batch;
    portion.place = *place;
    portion.lent_base = memory->base;
    portion.readers = readers_of(memory->is_sealed);
  }
  publish(batch.descriptors(), portion);
}

void Publisher::publish(std::span<const PacketDescriptor> packets, const std::byte* memory_base,
                        std::span<const std::uint16_t> interface_ids) noexcept {
  publish(packets, {.memory_base = memory_base, .interface_ids = interface_ids});
}

void Publisher::publish(std::span<const PacketDescriptor> packets, const Portion& portion) noexcept {
  while (!packets.empty() && stats_.clients != 0) {
    collect_returns();
    sort_clients();
    Filling copies = begin_slot(takers_ & ~portion.readers, nullptr);
    Filling loans = begin_slot(takers_ & portion.readers, portion.lent_base);
    const std::uint32_t count =
        audience_.is_choosy() ? share_out(packets, portion, copies, loans) : give_all(packets, portion, copies, loans);
    for_each_client(audience_.unfiltered(), [&](std::uint32_t client) { parts_[client].packets = count; });
    if (copies.slot) lend(copies, portion, false);
    if (loans.slot) lend(loans, portion, true);
    skip_the_rest(copies.served() | loans.served());
    packets = packets.subspan(count);
  }
}

/// Credits add up to less than all slots, except for a moment after one more client has come: whoever may take more has
/// one to itself.
Publisher::Filling Publisher::begin_slot(ClientSet takers, const std::byte* lent_base) noexcept {
  Filling filling{.takers = takers};
  if (takers != 0) filling.slot = book_.take_free();
  if (filling.slot) filling.writer.emplace(packets_.data(), options_.geometry, *filling.slot, lent_base);
  return filling;
}

/// The kernel waits for the oldest of a ring's blocks, and a client that hangs would have it wait for ever. Memory that
/// is sealed is a device's own pool, of which the source keeps half: see call_in_hoarded().
void Publisher::call_in_overdue() noexcept {
  for (std::uint32_t place = 0; place < memory_places; ++place) {
    if (memories_[place].is_sealed) continue;
    while (const auto slot = book_.oldest_kept(place)) {
      const detail::BatchSlot& loan = *book_.kept(*slot).slot();
      if (loan.owner->age_of(loan) != detail::LoanAge::overdue) break;
      for_each_client(book_.holders(*slot), [this](std::uint32_t client) { evict(client); });
    }
  }
}

/// The source has lent all it can spare, so its packets are copied for everybody until something comes back. Who reads
/// slowly gives its oldest batch back now and then; who does not for the hold limit hangs, or leaks batches, though it
/// may give back others all the time.
void Publisher::call_in_hoarded(const detail::BatchOwner* owner) noexcept {
  collect_returns();
  for (std::uint32_t place = 0; place < memory_places; ++place) {
    LentMemory& memory = memories_[place];
    if (!memory.is_sealed || !book_.keeps_of(place, owner)) continue;
    const std::uint32_t slot = *book_.oldest_kept(place);
    if (memory.oldest_loan != book_.loan(slot)) {
      memory.oldest_loan = book_.loan(slot);
      memory.patience = base::Deadline::after(options_.hold_limit);
    } else if (memory.patience.has_passed()) {
      for_each_client(book_.holders(slot), [this](std::uint32_t client) { evict(client); });
    }
  }
}

bool Publisher::has_old_loans(std::uint32_t place) const noexcept {
  const auto slot = memories_[place].is_sealed ? std::nullopt : book_.oldest_kept(place);
  if (!slot) return false;
  const detail::BatchSlot& loan = *book_.kept(*slot).slot();
  return loan.owner->age_of(loan) != detail::LoanAge::young;
}

/// Where clients know the memory; one that is new is handed over to them all. Nothing: it cannot be.
std::optional<std::uint32_t> Publisher::place_of(const detail::LendableMemory& memory) noexcept {
  std::optional<std::uint32_t> free;
  for (std::uint32_t place = 0; place < memory_places; ++place) {
    LentMemory& lent = memories_[place];
    if (!lent.descriptor.is_open()) {
      if (!free) free = place;
    } else if (lent.inode == memory.inode && lent.is_sealed == memory.is_sealed) {
      lent.recall = base::Deadline::never();  // it was another source's that went
      return place;
    }
  }
  return free && hand_over(*free, memory) ? free : std::nullopt;
}

bool Publisher::hand_over(std::uint32_t place, const detail::LendableMemory& memory) noexcept {
  LentMemory lent{.descriptor = base::FileDescriptor(::fcntl(memory.descriptor, F_DUPFD_CLOEXEC, 0)),
                  .inode = memory.inode,
                  .bytes = memory.bytes,
                  .is_sealed = memory.is_sealed};
  if (!lent.descriptor.is_open()) return false;
  for (std::uint32_t client = 0; client < clients_.size(); ++client) {
    if (!clients_[client] || (readers_of(memory.is_sealed) & set_of(client)) == 0) continue;
    if (hand_over(*clients_[client], place, lent)) continue;
    if (errno != EPIPE && errno != ECONNRESET) ++stats_.broken;  // one that has just died broke no rule
    dismiss(client);
  }
  memories_[place] = std::move(lent);
  return true;
}

/// Those who have credit, and those who hold all they may and miss what comes.
void Publisher::sort_clients() noexcept {
  takers_ = late_ = 0;
  for (std::uint32_t client = 0; client < clients_.size(); ++client) {
    if (!clients_[client]) continue;
    if (!clients_[client]->is_lending()) {
      audience_.leave(client);  // its share goes to others, though it may still hold some slots
      continue;
    }
    (book_.held(client) < credit_ ? takers_ : late_) |= set_of(client);
  }
}

/// Everybody gets everything: as much as a slot takes, or as there is when nobody has room.
std::uint32_t Publisher::give_all(std::span<const PacketDescriptor> packets, const Portion& portion, Filling& copies,
                                  Filling& loans) noexcept {
  for (Filling* filling : {&copies, &loans}) {  // whatever fits with its bytes fits without
    if (!filling->writer) continue;
    SlotWriter& writer = *filling->writer;
    for (const PacketDescriptor& packet : packets) {
      if (!writer.append(packet, portion.bytes_of(packet), portion.interface_of(packet))) break;
    }
    packets = packets.first(writer.packets());
  }
  return static_cast<std::uint32_t>(packets.size());
}

/// Somebody wants only a part: what at least one taker wants goes into the slot, and each client's part is noted. How
/// many packets were looked at, at least one.
std::uint32_t Publisher::share_out(std::span<const PacketDescriptor> packets, const Portion& portion, Filling& copies,
                                   Filling& loans) noexcept {
  for_each_client((takers_ | late_) & ~audience_.unfiltered(), [this](std::uint32_t client) {
    parts_[client].packets = 0;
    std::fill(parts_[client].selection.begin(), parts_[client].selection.end(), 0);
  });
  std::uint32_t count = 0;
  for (const PacketDescriptor& packet : packets) {
    const ClientSet chosen = audience_.choose({portion.bytes_of(packet), packet.captured_length}, packet.wire_length,
                                              link_types_[portion.interface_of(packet)], takers_);
    const ClientSet everybody = chosen | audience_.unfiltered();
    const auto has_room = [&](const Filling& filling) {
      return !filling.writer || (everybody & filling.takers) == 0 || filling.writer->has_room_for(packet);
    };
    if (!has_room(copies) || !has_room(loans)) break;
    ++count;
    for_each_client(chosen, [this](std::uint32_t client) { ++parts_[client].packets; });
    for (Filling* filling : {&copies, &loans}) {
      if (filling->writer && (everybody & filling->takers) != 0) give(packet, portion, chosen, *filling);
    }
  }
  return count;
}

/// There is room for it.
void Publisher::give(const PacketDescriptor& packet, const Portion& portion, ClientSet chosen,
                     Filling& filling) noexcept {
  (void)filling.writer->append(packet, portion.bytes_of(packet), portion.interface_of(packet));
  const std::uint32_t place = filling.writer->packets() - 1;
  for_each_client(chosen & filling.takers, [this, place](std::uint32_t client) {
    parts_[client].selection[place / 64] |= std::uint64_t{1} << place % 64;
  });
}

void Publisher::lend(const Filling& filling, const Portion& portion, bool in_place) noexcept {
  const std::uint32_t slot = *filling.slot;
  stats_.copied_bytes += filling.writer->copied_bytes();
  Borrower::Offer offer{.slot = slot, .packets = filling.writer->packets()};
  if (in_place) {
    book_.keep(slot, detail::share(*portion.batch), portion.place);
    offer.place = portion.place;
  }
  for_each_client(filling.takers, [&](std::uint32_t client) {
    const Part& part = parts_[client];
    if (part.packets == 0) return;
    book_.lend(slot, client);
    clients_[client]->announce(offer, part.packets, part.selection);
    stats_.lent_packets += part.packets;
  });
  book_.settle(slot);
}

void Publisher::skip_the_rest(ClientSet served) noexcept {
  for_each_client((late_ | takers_) & ~served, [this](std::uint32_t client) {
    if (parts_[client].packets != 0) skip(client, parts_[client].packets);
  });
}

void Publisher::miss(std::uint32_t packets) noexcept {
  for (std::uint32_t client = 0; client < clients_.size(); ++client) {
    if (clients_[client] && clients_[client]->is_lending()) skip(client, packets);
  }
}

void Publisher::skip(std::uint32_t client, std::uint32_t packets) noexcept {
  clients_[client]->skip(packets);
  stats_.skipped_packets += packets;
}

void Publisher::collect_returns() noexcept {
  for (std::uint32_t client = 0; client < clients_.size(); ++client) {
    if (!clients_[client] || clients_[client]->take_returns(book_, client)) continue;
    ++stats_.broken;
    dismiss(client);
  }
}

}  // namespace ringtail::share
