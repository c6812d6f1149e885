// What a publisher shares with its clients. Version 3.
//
// The publisher makes three kinds of memory and seals them: none can be resized by anybody, and what a client may not
// write it can never map writable (share/sealed_memory.hpp). Whoever writes is named first:
//
//   packets    publisher -> all clients     the packets, and what is said about them
//   lent       publisher -> one client      which slots of it were lent to this client, and what it missed
//   returned   one client -> publisher      which slots it gives back. The publisher believes nothing in it
//
//   packets    0         4096                                      slots_offset
//              | header  | interface records, 1024 bytes each      | slot 0 | slot 1 | ...
//              each slot: | batch_packets descriptors of 40 bytes, up to 64 | packet bytes ... slot_bytes |
//
//   memories   nobody, or the publisher's device: memory that packets arrived in. They are read where they lie, a slot
//              has only what is said about them, and the announcement says which memory. Handed over when first needed,
//              over the socket (share/message.hpp). The ring of a packet socket is one, too: it cannot be sealed, so
//              only clients get it that the publisher trusts
//
//   lent       0         128
//              | header  | slot_count announcements of 24 bytes: position, slot, packets, selected, memory
//              | slot_count selections: a bit for each packet of the slot, in words of 8 bytes |
//
//   returned   0         64
//              | header  | slot_count returns of 8 bytes: position and slot |
//
// Announcements and returns are rings in which every entry tells by its position whether it is there yet, so neither
// side keeps an index that the other believes. Position n stands in entry n mod slot_count and is stored as n + 1:
// fresh memory holds none. A client has at most slot_count slots on loan, so no entry is overwritten before it was
// read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <ringtail/packet.hpp>

namespace ringtail::share {

inline constexpr std::uint32_t layout_version = 3;
inline constexpr std::uint32_t interface_capacity = 1024;
inline constexpr std::uint32_t most_slots = 1U << 16;
inline constexpr std::uint32_t most_slot_packets = 1U << 16;
inline constexpr std::uint32_t most_slot_bytes = 16U << 20;
inline constexpr std::uint32_t longest_packet_bytes = 262144;
inline constexpr std::uint32_t packet_alignment = 8;
inline constexpr std::uint32_t memory_places = 16;  ///< memories that a client has at a time, beside the packets

using SharedCounter = std::atomic<std::uint64_t>;
using SharedWord = std::atomic<std::uint32_t>;
static_assert(SharedCounter::is_always_lock_free && SharedWord::is_always_lock_free);
static_assert(sizeof(SharedCounter) == 8 && sizeof(SharedWord) == 4);

/// Written by the publisher, cumulative; what a client missed elsewhere than with its own slowness.
struct alignas(64) PacketsHeader {
  SharedWord interface_count;  ///< records that are complete; stored with release
  SharedWord reserved;
  SharedCounter dropped_ring;
  SharedCounter dropped_interface;
  SharedCounter freezes;
  SharedCounter truncated;
};

/// Texts end with a zero and are cut where they are longer.
struct InterfaceRecord {
  char name[64];
  char description[128];
  char filter[640];
  char hardware[160];
  std::uint64_t speed_bps;
  std::uint32_t index;
  std::uint32_t snaplen;
  std::uint16_t link_type;
  std::uint8_t mac_address[6];
  std::uint8_t has_mac_address;
  std::uint8_t reserved[7];
};
static_assert(sizeof(InterfaceRecord) == 1024);

enum class LoanState : std::uint32_t {
  lending = 0,
  paused = 1,   ///< the client asked for it; nothing will be announced any more
  ended = 2,    ///< what is announced is the last
  evicted = 3,  ///< the client held a slot for too long: everything lent to it is being reused
};

/// A client that does not get all packets of the slot finds those it gets in the selection beside the announcement.
struct Announcement {
  SharedCounter position;  ///< plus one; stored last, with release
  SharedWord slot;
  SharedWord packets;   ///< in the slot
  SharedWord selected;  ///< for this client; all of them: there is no selection
  SharedWord memory;    ///< what descriptors' offsets count in: 0, the packets themselves; else a name_memory()
};
static_assert(sizeof(Announcement) == 24 && offsetof(Announcement, slot) == 8 && offsetof(Announcement, memory) == 20);

/// What a memory is called between a publisher and one client: the nth that was handed over to it, for that place.
/// Both count, so an announcement never means what was in that place before.
[[nodiscard]] constexpr std::uint32_t name_memory(std::uint32_t nth, std::uint32_t place) noexcept {
  return nth * memory_places + place;
}
static_assert(name_memory(1, 0) != 0);

struct alignas(128) LentHeader {
  SharedWord state;   ///< LoanState
  SharedWord credit;  ///< slots this client may hold at the moment
  SharedCounter announced_packets;
  SharedCounter skipped_packets;
  SharedCounter skipped_batches;
};
static_assert(sizeof(LentHeader) == 128);

struct alignas(64) ReturnedHeader {
  SharedWord waiting;  ///< 0: awake; else the number of this sleep, which wants one doorbell
  SharedWord paused;   ///< 1: lend nothing more
};
static_assert(sizeof(ReturnedHeader) == 64);

/// A return: the low half of (position + 1) above the slot.
using Return = SharedCounter;
[[nodiscard]] constexpr std::uint64_t encode_return(std::uint64_t position, std::uint32_t slot) noexcept {
  return (position + 1) << 32 | slot;
}

/// What the publisher decides when it starts and every client is told.
struct Geometry {
  std::uint32_t slot_count = 256;         ///< a power of two
  std::uint32_t slot_packets = 256;       ///< descriptors per slot
  std::uint32_t slot_bytes = 512U << 10;  ///< a multiple of 4096

  /// True when both sides can compute with it: nothing overflows, and the longest packet fits.
  [[nodiscard]] constexpr bool is_sane() const noexcept {
    return slot_count >= 2 && slot_count <= most_slots && (slot_count & (slot_count - 1)) == 0 && slot_packets >= 1 &&
           slot_packets <= most_slot_packets && slot_bytes <= most_slot_bytes && slot_bytes % 4096 == 0 &&
           slot_bytes >= slot_data_offset() + longest_packet_bytes;
  }

  [[nodiscard]] constexpr std::size_t slot_data_offset() const noexcept {
    return (std::size_t{slot_packets} * sizeof(PacketDescriptor) + 63) / 64 * 64;
  }
  [[nodiscard]] constexpr std::size_t slot_offset(std::uint32_t slot) const noexcept {
    return slots_offset + std::size_t{slot} * slot_bytes;
  }
  [[nodiscard]] constexpr std::size_t packets_bytes() const noexcept { return slot_offset(slot_count); }
  [[nodiscard]] constexpr std::size_t selection_words() const noexcept { return (slot_packets + 63) / 64; }
  [[nodiscard]] constexpr std::size_t selections_offset() const noexcept {
    return sizeof(LentHeader) + slot_count * sizeof(Announcement);
  }
  [[nodiscard]] constexpr std::size_t lent_bytes() const noexcept {
    return selections_offset() + slot_count * selection_words() * sizeof(std::uint64_t);
  }
  [[nodiscard]] constexpr std::size_t returned_bytes() const noexcept {
    return sizeof(ReturnedHeader) + slot_count * sizeof(Return);
  }

  static constexpr std::size_t records_offset = 4096;
  static constexpr std::size_t slots_offset = records_offset + interface_capacity * sizeof(InterfaceRecord);
};
static_assert(sizeof(Geometry) == 12 && Geometry{}.is_sane());
static_assert(sizeof(PacketsHeader) <= Geometry::records_offset && Geometry::slots_offset % 4096 == 0);

}  // namespace ringtail::share
