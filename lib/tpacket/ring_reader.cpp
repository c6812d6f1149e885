#include "tpacket/ring_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/sanitizer.hpp"
#include "ring/owned_counter.hpp"
#include "tpacket/block.hpp"

namespace ringtail::tpacket {

namespace {

constexpr std::uint32_t mac_addresses_bytes = 12;  // what stands before the tag in a tagged Ethernet frame
constexpr std::uint32_t nanoseconds_per_second = 1'000'000'000;
// Far enough for a load from memory to arrive in time. Of 2, 4 and 8 in receive_bench 8 was best or level at every
// size.
constexpr std::size_t prefetch_distance_records = 8;
constexpr std::uint16_t tpid_802_1q = 0x8100;
// Of a ring: what the kernel has ahead of it before it meets a block that others still read, and how far behind they
// may be and be given more. Who is so late gets copies, and works through what it holds while the kernel fills five
// eighths of the ring: at a sixth of the packets' pace it is still in time.
constexpr std::uint32_t reserve_share = 4;
constexpr std::uint32_t young_share = 8;
constexpr std::uint32_t smallest_lent_ring = 8;
// What pcapng may have to say behind a packet: flags 8, hash 12, end of options 4, closing length 4.
constexpr std::uint32_t pcapng_tail_bytes = 28;

// sll_pkttype (packet(7)) to epb_flags. The kernel's values end at PACKET_KERNEL (7); those above OUTGOING never
// reach a packet socket.
constexpr std::uint32_t flags_of_packet_type[8] = {
    packet_flags::inbound | packet_flags::unicast,      // PACKET_HOST
    packet_flags::inbound | packet_flags::broadcast,    // PACKET_BROADCAST
    packet_flags::inbound | packet_flags::multicast,    // PACKET_MULTICAST
    packet_flags::inbound | packet_flags::promiscuous,  // PACKET_OTHERHOST
    packet_flags::outbound,                             // PACKET_OUTGOING
    0,
    0,
    0,
};

// The status bits that say something about the packet, moved to their places among our flags without a branch.
constexpr std::uint32_t flags_of_status(std::uint32_t status) noexcept {
  constexpr std::uint32_t loss_and_checksum = TP_STATUS_LOSING | TP_STATUS_CSUMNOTREADY;
  return (status & loss_and_checksum) << 18 | (status & TP_STATUS_CSUM_VALID) << 15 | (status >> 31) << 18;
}
static_assert(flags_of_status(TP_STATUS_LOSING) == packet_flags::after_loss);
static_assert(flags_of_status(TP_STATUS_CSUMNOTREADY) == packet_flags::checksum_missing);
static_assert(flags_of_status(TP_STATUS_CSUM_VALID) == packet_flags::checksum_valid);
static_assert(flags_of_status(TP_STATUS_TS_RAW_HARDWARE) == packet_flags::hardware_timestamp);

const sockaddr_ll& address_of(const std::byte* block_memory, std::uint32_t record) noexcept {
  return *reinterpret_cast<const sockaddr_ll*>(block_memory + record + address_offset);
}

// Records form a chain, so the walk waits for memory at every step. Frames of one size come in runs: the guess where a
// record some steps on begins is often right and costs little when it is not. Its header and the bytes around it, where
// an encoder will write, lie in two or three cache lines.
[[gnu::always_inline]] inline void prefetch_record(const std::byte* guess) noexcept {
  __builtin_prefetch(guess - 16);  // where the packet before it ends
  __builtin_prefetch(guess + 48);
  __builtin_prefetch(guess + 80);  // its first bytes
}

// Puts the tag that the kernel moved into metadata back where it was on the wire: the addresses move down by four
// bytes, into memory in front of the packet that only we use.
void restore_tag(std::byte* data, std::uint16_t tpid, std::uint16_t tci) noexcept {
  std::byte* const begin = data - vlan_tag_bytes;
  std::memmove(begin, data, mac_addresses_bytes);
  const std::uint8_t tag[vlan_tag_bytes] = {static_cast<std::uint8_t>(tpid >> 8), static_cast<std::uint8_t>(tpid),
                                            static_cast<std::uint8_t>(tci >> 8), static_cast<std::uint8_t>(tci)};
  std::memcpy(begin + mac_addresses_bytes, tag, vlan_tag_bytes);
}

// A full block leaves as little as 8 bytes behind its last packet, too few for whoever makes it a piece of a file. The
// packet comes forward by what is missing, over its own header; its bytes stay at a multiple of 4 if they were at one.
void make_room_behind(std::byte* block_memory, PacketDescriptor& last, std::uint32_t limit) noexcept {
  const auto data_end = static_cast<std::uint32_t>(last.offset) + last.captured_length;
  const std::uint32_t tail_end = ((data_end + 3) & ~3U) + pcapng_tail_bytes;
  if (tail_end <= limit) return;
  std::byte* const data = block_memory + last.offset;
  last.offset -= tail_end - limit;
  std::memmove(block_memory + last.offset, data, last.captured_length);
}

}  // namespace

Result<RingReader> RingReader::create(detail::Backend& owner, InterfaceResolver& resolver, std::span<std::byte> ring,
                                      const Geometry& geometry, std::uint32_t batch_packets, bool has_rx_hash) {
  base::require(ring.size() >= geometry.ring_bytes(), "the ring is as large as its geometry says");
  // Four batches per block on average, so that an analyzer that keeps batches runs out of blocks, not of slots.
  const std::uint32_t slots = geometry.block_count * 4;
  auto pool = ring::BatchPool::create(owner, slots, batch_packets);
  if (!pool) return tl::unexpected(std::move(pool.error()));
  return RingReader(resolver, ring, geometry, has_rx_hash, std::move(*pool));
}

RingReader::RingReader(InterfaceResolver& resolver, std::span<std::byte> ring, const Geometry& geometry,
                       bool has_rx_hash, ring::BatchPool pool)
    : resolver_(&resolver),
      ring_(ring),
      geometry_(geometry),
      pool_(std::move(pool)),
      ledger_(geometry.block_count),
      has_rx_hash_(has_rx_hash),
      walk_of_(std::make_unique<std::uint64_t[]>(geometry.block_count)) {}

// Moved only while it is being set up, before the first next().
RingReader::RingReader(RingReader&& other) noexcept
    : resolver_(other.resolver_),
      ring_(other.ring_),
      geometry_(other.geometry_),
      pool_(std::move(other.pool_)),
      ledger_(std::move(other.ledger_)),
      has_rx_hash_(other.has_rx_hash_),
      walk_of_(std::move(other.walk_of_)) {}

// Checks every offset in the record at `begin`, once: nothing outside the block is ever touched, and each record lies
// behind the one before it. What describes the packet is read later, straight into its descriptor.
[[gnu::always_inline]] inline bool RingReader::read_record(std::uint32_t begin, std::uint32_t packets_left,
                                                           Record& record) const noexcept {
  const std::uint32_t limit = geometry_.block_bytes;
  if (begin % alignof(tpacket3_hdr) != 0 || begin > limit - record_header_bytes) return false;
  const std::byte* const memory = block(current_) + begin;
  const auto& header = *reinterpret_cast<const tpacket3_hdr*>(memory);

  const std::uint32_t mac = header.tp_mac;
  const std::uint32_t captured = header.tp_snaplen;
  const std::uint32_t room = limit - begin;
  if (mac < record_header_bytes || mac > room || captured > room - mac) return false;
  const std::uint32_t to_next = header.tp_next_offset;
  if (packets_left > 1 && (to_next < mac + captured || to_next >= room)) return false;
  prefetch_record(memory + prefetch_distance_records * std::size_t{to_next});

  record.begin = begin;
  record.to_next = to_next;
  record.captured_length = captured;
  record.restores_tag = (header.tp_status & TP_STATUS_VLAN_VALID) != 0 && captured >= mac_addresses_bytes;
  record.data = begin + mac - (record.restores_tag ? vlan_tag_bytes : 0);
  return true;
}

Look RingReader::next(detail::BatchSlot*& slot, std::uint64_t& captured_bytes) {
  if (!walking_) {
    if (const Look look = open_block(); look != Look::packets) return look;
  }
  slot = pool_.take();
  if (slot == nullptr) return Look::held;
  ++taken_slots_;
  captured_bytes = fill(*slot);
  ledger_.lend(current_);
  if (left_ == 0) end_walk();
  return Look::packets;
}

// Goes to the next block with packets in it. Blocks without any (the kernel hands those over when it thaws) go
// straight back.
Look RingReader::open_block() noexcept {
  for (std::uint32_t looked_at = 0; looked_at < geometry_.block_count; ++looked_at) {
    if (ledger_.is_held(current_)) return Look::held;
    BlockHeader header(block(current_));
    if (!header.is_ours()) return Look::nothing;
    base::unpoison(block(current_), geometry_.block_bytes);
    const std::uint32_t packets = header.packets_so_far();
    last_block_ = header.times();
    last_block_bytes_ = header.used_bytes();
    walk_of_[current_] = walks_.load(std::memory_order_relaxed);
    ledger_.begin_walk(current_);
    if (begin_walk(packets)) return Look::packets;
    end_walk();
  }
  return Look::nothing;
}

bool RingReader::begin_walk(std::uint32_t packets) noexcept {
  walking_ = true;
  ahead_is_described_ = false;
  left_ = packets;
  if (packets == 0) return false;
  const std::uint32_t first = BlockHeader(block(current_)).first_record_offset();
  if (first == geometry_.first_offset && read_record(first, packets, ahead_)) return true;
  ring::add_by_owner(malformed_, packets);
  left_ = 0;
  return false;
}

void RingReader::end_walk() noexcept {
  walking_ = false;
  const std::uint32_t finished = current_;
  walks_.fetch_add(1, std::memory_order_relaxed);
  current_ = current_ + 1 == geometry_.block_count ? 0 : current_ + 1;
  if (ledger_.done(finished)) give_back(finished);
}

void RingReader::release(detail::BatchSlot& slot) noexcept {
  const std::uint32_t block_index = slot.block_index;
  pool_.give_back(slot);
  returned_slots_.fetch_add(1, std::memory_order_relaxed);
  if (ledger_.done(block_index)) give_back(block_index);
}

// The kernel fills blocks in order and waits at the first one that is not its own (prb_dispatch_next_block()). So what
// stands between it and a block that is held is seen at one place: the block that comes `reserve` before that one.
detail::LoanAge RingReader::age_of(const detail::BatchSlot& slot) const noexcept {
  const std::uint32_t blocks = geometry_.block_count;
  const std::uint32_t reserve = std::max(1U, blocks / reserve_share);
  const std::uint64_t passed = walks_.load(std::memory_order_relaxed) - walk_of_[slot.block_index];
  if (passed + reserve >= blocks) return detail::LoanAge::overdue;
  const std::uint32_t guard = (slot.block_index + blocks - reserve) % blocks;
  // Held, it is from the lap before, and the kernel stands behind it.
  if (!ledger_.is_held(guard) && BlockHeader(block(guard)).is_ours()) return detail::LoanAge::overdue;
  return passed > std::max(2U, blocks / young_share) ? detail::LoanAge::old : detail::LoanAge::young;
}

bool RingReader::is_worth_lending() const noexcept {
  const std::uint64_t slots_out = taken_slots_ - returned_slots_.load(std::memory_order_relaxed);
  return geometry_.block_count >= smallest_lent_ring && last_block_bytes_ >= geometry_.block_bytes / 4 &&
         slots_out <= pool_.slots() / 2;
}

void RingReader::give_back(std::uint32_t block_index) noexcept {
  std::byte* const memory = block(block_index);
  base::poison(memory + block_header_bytes, geometry_.block_bytes - block_header_bytes);
  BlockHeader(memory).give_back();
  ledger_.returned(block_index);
}

bool RingReader::kernel_block_has_packets() const noexcept {
  return !ledger_.is_held(current_) && BlockHeader(block(current_)).packets_so_far() != 0;
}

std::uint64_t RingReader::fill(detail::BatchSlot& slot) {
  std::byte* const memory = block(current_);
  slot.memory_base = memory;
  slot.block_index = current_;
  slot.in_place.begin_offset = ahead_.begin;
  std::uint64_t captured_bytes = 0;
  std::uint32_t count = 0;
  Record record = ahead_;
  if (!std::exchange(ahead_is_described_, false)) describe_ahead(memory);
  while (left_ != 0 && count < pool_.batch_packets()) {
    PacketDescriptor& descriptor = slot.descriptors[count];
    if (count == 0) {
      descriptor = ahead_descriptor_;
    } else {
      // A new interface begins a batch, so that whoever writes the file can introduce it first.
      if (!knows_interface(address_of(memory, record.begin))) break;
      describe(memory, record, descriptor);
    }
    ++count;
    captured_bytes += descriptor.captured_length;
    if (--left_ == 0) break;
    if (!read_record(record.begin + record.to_next, left_, record)) {
      ring::add_by_owner(malformed_, left_);
      left_ = 0;
    }
  }
  ahead_ = record;
  if (left_ != 0) {
    describe_ahead(memory);
    ahead_is_described_ = true;
  }
  slot.count = count;
  if (geometry_.carry_offset != 0) {
    if (left_ == 0) make_room_behind(memory, slot.descriptors[count - 1], geometry_.block_bytes);
    slot.in_place.base = memory;
    slot.in_place.carry_offset = geometry_.carry_offset;
    slot.in_place.first_offset = geometry_.first_offset;
    slot.in_place.end_offset = left_ == 0 ? geometry_.block_bytes : record.begin;
    slot.in_place.next_data_offset = left_ == 0 ? 0 : record.data;
    slot.in_place.limit_offset = geometry_.block_bytes;
    slot.in_place.block_count = geometry_.block_count;
  }
  return captured_bytes;
}

/// Of the first packet that has not been handed out. Its interface may be new.
void RingReader::describe_ahead(std::byte* block_memory) {
  const sockaddr_ll& address = address_of(block_memory, ahead_.begin);
  if (!knows_interface(address)) learn_interface(address);
  describe(block_memory, ahead_, ahead_descriptor_);
}

inline void RingReader::describe(std::byte* block_memory, const Record& record, PacketDescriptor& descriptor) noexcept {
  const std::byte* const memory = block_memory + record.begin;
  const auto& header = *reinterpret_cast<const tpacket3_hdr*>(memory);
  const sockaddr_ll& address = address_of(block_memory, record.begin);
  const std::uint32_t status = header.tp_status;
  const std::uint32_t captured = record.captured_length;
  const std::uint32_t wire = std::max(header.tp_len, captured);
  std::uint32_t flags = flags_of_packet_type[address.sll_pkttype & 7] | flags_of_status(status);
  if (has_rx_hash_) flags |= packet_flags::rx_hash_valid;
  if (captured < wire && captured < geometry_.snaplen) {
    flags |= packet_flags::truncated;
    ring::add_by_owner(truncated_, 1);
  }
  descriptor.offset = record.data;
  descriptor.timestamp_ns = std::uint64_t{header.tp_sec} * nanoseconds_per_second + header.tp_nsec;
  descriptor.captured_length = captured;
  descriptor.wire_length = wire;
  descriptor.rx_hash = has_rx_hash_ ? header.hv1.tp_rxhash : 0;
  descriptor.flags = flags;
  descriptor.vlan_tci = 0;
  descriptor.vlan_tpid = 0;
  descriptor.interface_id = interface_id_;
  descriptor.queue = 0;
  if (record.restores_tag) describe_tag(block_memory, header, descriptor);
}

void RingReader::describe_tag(std::byte* block_memory, const tpacket3_hdr& header,
                              PacketDescriptor& descriptor) const noexcept {
  const bool has_tpid = (header.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
  descriptor.vlan_tci = static_cast<std::uint16_t>(header.hv1.tp_vlan_tci);
  descriptor.vlan_tpid = has_tpid ? header.hv1.tp_vlan_tpid : tpid_802_1q;
  descriptor.flags |= packet_flags::vlan_restored;
  restore_tag(block_memory + descriptor.offset + vlan_tag_bytes, descriptor.vlan_tpid, descriptor.vlan_tci);
  descriptor.wire_length += vlan_tag_bytes;
  descriptor.captured_length = std::min(descriptor.captured_length + vlan_tag_bytes, geometry_.snaplen);
}

inline bool RingReader::knows_interface(const sockaddr_ll& address) noexcept {
  const auto index = static_cast<std::uint32_t>(address.sll_ifindex);
  const KnownInterface& known = known_[index % known_interfaces];
  if (!known.valid || known.index != index) return false;
  interface_id_ = known.id;
  return true;
}

void RingReader::learn_interface(const sockaddr_ll& address) {
  const auto index = static_cast<std::uint32_t>(address.sll_ifindex);
  interface_id_ = resolver_->resolve(index, address.sll_hatype);
  known_[index % known_interfaces] = {index, interface_id_, true};
}

}  // namespace ringtail::tpacket
