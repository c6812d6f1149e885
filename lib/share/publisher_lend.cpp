// The quick half of the publisher: who gets which packets, and how.
#include <algorithm>
#include <bit>
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
  const detail::BatchSlot& slot = *batch.slot();
  Portion portion{.memory_base = slot.memory_base, .interface_ids = interface_ids};
  const auto memory = slot.owner->lendable_memory();
  const auto place = memory && lies_in(*memory, batch) ? place_of(*memory) : std::nullopt;
  if (place) {
    portion.batch = &batch;
    portion.place = *place;
    portion.lent_base = memory->base;
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
    // Credits add up to less than all slots, except for a moment after one more client has come.
    const auto slot = takers_ == 0 ? std::nullopt : book_.take_free();
    std::optional<SlotWriter> writer;
    if (slot) writer.emplace(packets_.data(), options_.geometry, *slot, portion.lent_base);
    const std::uint32_t count =
        audience_.is_choosy() ? share_out(packets, portion, writer) : give_all(packets, portion, writer);
    for_each_client(audience_.unfiltered(), [&](std::uint32_t client) { parts_[client].packets = count; });
    if (slot) lend(*slot, *writer, portion);
    skip_the_rest(slot.has_value());
    packets = packets.subspan(count);
  }
}

/// Where clients know the memory; one that is new is handed over to them all. Nothing: it cannot be.
std::optional<std::uint32_t> Publisher::place_of(const detail::LendableMemory& memory) noexcept {
  std::optional<std::uint32_t> free;
  for (std::uint32_t place = 0; place < memory_places; ++place) {
    LentMemory& lent = memories_[place];
    if (!lent.descriptor.is_open()) {
      if (!free) free = place;
    } else if (lent.inode == memory.inode) {
      lent.recall = base::Deadline::never();  // it was another source's that went
      return place;
    }
  }
  return free && hand_over(*free, memory) ? free : std::nullopt;
}

bool Publisher::hand_over(std::uint32_t place, const detail::LendableMemory& memory) noexcept {
  base::FileDescriptor own(::fcntl(memory.descriptor, F_DUPFD_CLOEXEC, 0));
  if (!own.is_open()) return false;
  for (std::uint32_t client = 0; client < clients_.size(); ++client) {
    if (!clients_[client] || clients_[client]->hand_over(place, own.get())) continue;
    ++stats_.broken;
    dismiss(client);
  }
  memories_[place] = {.descriptor = std::move(own), .inode = memory.inode};
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

/// Everybody gets everything: as much as the slot takes, or as there is when nobody has room.
std::uint32_t Publisher::give_all(std::span<const PacketDescriptor> packets, const Portion& portion,
                                  std::optional<SlotWriter>& writer) noexcept {
  if (!writer) return static_cast<std::uint32_t>(packets.size());
  for (const PacketDescriptor& packet : packets) {
    if (!writer->append(packet, portion.bytes_of(packet), portion.interface_of(packet))) break;
  }
  return writer->packets();
}

/// Somebody wants only a part: what at least one taker wants goes into the slot, and each client's part is noted. How
/// many packets were looked at, at least one.
std::uint32_t Publisher::share_out(std::span<const PacketDescriptor> packets, const Portion& portion,
                                   std::optional<SlotWriter>& writer) noexcept {
  for_each_client((takers_ | late_) & ~audience_.unfiltered(), [this](std::uint32_t client) {
    parts_[client].packets = 0;
    std::fill(parts_[client].selection.begin(), parts_[client].selection.end(), 0);
  });
  std::uint32_t count = 0;
  for (const PacketDescriptor& packet : packets) {
    const std::uint16_t interface_id = portion.interface_of(packet);
    const std::byte* const bytes = portion.bytes_of(packet);
    const ClientSet chosen =
        audience_.choose({bytes, packet.captured_length}, packet.wire_length, link_types_[interface_id], takers_);
    const bool is_given = writer && ((chosen | audience_.unfiltered()) & takers_) != 0;
    if (is_given && !writer->append(packet, bytes, interface_id)) break;
    ++count;
    for_each_client(chosen, [this](std::uint32_t client) { ++parts_[client].packets; });
    if (!is_given) continue;
    const std::uint32_t place = writer->packets() - 1;
    for_each_client(chosen & takers_, [this, place](std::uint32_t client) {
      parts_[client].selection[place / 64] |= std::uint64_t{1} << place % 64;
    });
  }
  return count;
}

void Publisher::lend(std::uint32_t slot, const SlotWriter& writer, const Portion& portion) noexcept {
  stats_.copied_bytes += writer.copied_bytes();
  Borrower::Offer offer{.slot = slot, .packets = writer.packets()};
  if (portion.batch != nullptr) {
    book_.keep(slot, detail::share(*portion.batch), portion.place);
    offer.place = portion.place;
  }
  for_each_client(takers_, [&](std::uint32_t client) {
    const Part& part = parts_[client];
    if (part.packets == 0) return;
    book_.lend(slot, client);
    clients_[client]->announce(offer, part.packets, part.selection);
    stats_.lent_packets += part.packets;
  });
  book_.settle(slot);
}

void Publisher::skip_the_rest(bool takers_were_served) noexcept {
  for_each_client(takers_were_served ? late_ : late_ | takers_, [this](std::uint32_t client) {
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
