// Lends the packets of one capture to any number of clients: where they arrived, if that memory can be lent; else at
// the price of one copy for all of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ringtail/batch.hpp>
#include <ringtail/error.hpp>
#include <ringtail/interface.hpp>
#include <ringtail/packet.hpp>
#include <ringtail/stats.hpp>

#include "base/deadline.hpp"
#include "base/file_descriptor.hpp"
#include "base/sealed_memory.hpp"
#include "ring/backend.hpp"
#include "share/audience.hpp"
#include "share/borrower.hpp"
#include "share/layout.hpp"
#include "share/loan_book.hpp"
#include "share/message.hpp"
#include "share/slot_writer.hpp"

namespace ringtail::share {

struct PublisherOptions {
  std::string name{};       ///< clients open "ringtail:<name>"
  std::string directory{};  ///< of the socket; empty: default_directory()
  Geometry geometry{};
  std::uint32_t most_clients = 16;  ///< 1 to LoanBook::most_clients
  /// Who holds all it may for so long, and misses packets, is evicted; also who keeps a batch so long that others get
  /// copies for it.
  std::chrono::milliseconds hold_limit{2000};
  /// Who may attach. Empty: root, and the user that the publisher runs as.
  std::function<bool(const PeerCredentials&)> admits{};
  /// Of those, who is handed the ring of a packet socket, with which they can do whatever this process can
  /// (SECURITY.md). Empty: nobody.
  std::function<bool(const PeerCredentials&)> trusts{};
  bool listens = true;  ///< false: somebody else has the socket, and gives connections to welcome()
};

struct PublisherStats {
  std::uint32_t clients = 0;  ///< attached at the moment
  std::uint64_t admitted = 0;
  std::uint64_t lent_packets = 0;     ///< sum over all clients, gone ones too
  std::uint64_t refused = 0;          ///< not allowed, no room, or no memory
  std::uint64_t evicted = 0;          ///< held too much past the hold limit
  std::uint64_t broken = 0;           ///< thrown out for nonsense
  std::uint64_t skipped_packets = 0;  ///< sum over all clients, gone ones too
  std::uint64_t copied_bytes = 0;
};

/// What no client can do: write what others read, hold the publisher up, miss packets for longer than the hold limit,
/// or take slots that others have a right to. Each may hold its share of the slots (all but one, divided by the number
/// of clients); whoever holds that much is skipped, and told how much it missed.
///
/// One thread. Nothing here waits: call serve() when pollable_descriptor() is readable, and every few milliseconds.
class Publisher {
 public:
  [[nodiscard]] static Result<Publisher> create(PublisherOptions options);

  Publisher(Publisher&&) noexcept = default;
  Publisher& operator=(Publisher&&) = delete;
  ~Publisher();  ///< clients read what they were lent, then see the end of the stream

  /// The id under which clients know the interface; one that is told of again keeps its id. A publisher has places for
  /// interface_capacity of them in its life. The last are for "others", one of each kind of link, which all further
  /// ones are called. Nothing: there is no such place either, and packets of this one cannot be lent.
  [[nodiscard]] std::optional<std::uint16_t> add_interface(const Interface& interface) noexcept;

  /// Lends these packets to all who have credit. No allocation, no lock; a system call only to wake a client that
  /// sleeps, and to hand over memory that is new. `interface_ids`: what add_interface() has called the packets'
  /// interfaces, an entry for each.
  ///
  /// Packets in memory that their source lets others read (BatchOwner::lendable_memory()) stay where they are, and the
  /// batch shared (detail::share()) until every client has given them back. All others are copied; also, for clients
  /// that are not trusted, those in memory that cannot be sealed. Either way the caller's batch stays as it is, and may
  /// be handed on. On the thread that received it.
  ///
  /// Whoever holds what the source needs back (detail::LoanAge::overdue) is evicted here, and in serve(). So is, when a
  /// source has nothing left to lend, whoever has kept it from that for the hold limit: the oldest batch stayed out.
  void publish(const Batch& batch, std::span<const std::uint16_t> interface_ids) noexcept;

  /// The same for packets in any memory, which is not needed afterwards: they are copied.
  void publish(std::span<const PacketDescriptor> packets, const std::byte* memory_base,
               std::span<const std::uint16_t> interface_ids) noexcept;

  /// A source is going away, whose batches may be kept here: what is lent without a copy has to be back within the hold
  /// limit, and who holds on to it is evicted. Sources that publish on are not affected for longer than that.
  void recall() noexcept;

  /// False once there are interfaces that clients see as "others".
  [[nodiscard]] bool names_all_interfaces() const noexcept { return names_all_interfaces_; }

  /// Packets that cannot be lent at all: everybody is told that they were skipped.
  void miss(std::uint32_t packets) noexcept;

  /// What was lost before it came here; clients add it to their own figures.
  void report_losses(const Stats& stats) noexcept;

  /// Greets, notices who is gone, evicts who holds on for too long.
  void serve();

  /// Somebody who has connected elsewhere, and wants packets. Sent away when there are too many of them already.
  /// `is_trusted` as PublisherOptions::trusts.
  void welcome(base::FileDescriptor socket, bool may_attach, bool is_trusted = false);

  /// Everybody who is attached.
  [[nodiscard]] std::vector<ClientFigures> clients() const;

  [[nodiscard]] int pollable_descriptor() const noexcept { return epoll_.get(); }
  [[nodiscard]] const PublisherStats& stats() const noexcept { return stats_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  /// What a client gets of what is being published.
  struct Part {
    std::uint32_t packets = 0;
    std::vector<std::uint64_t> selection;  ///< bits of packets in the slot that is being filled
  };
  /// Memory that clients have been handed, to read packets where they arrived.
  struct LentMemory {
    base::FileDescriptor descriptor{};  ///< open: there is one in this place
    std::uint64_t inode = 0;
    std::uint64_t bytes = 0;
    bool is_sealed = true;
    base::Deadline recall = base::Deadline::never();    ///< by then nobody may hold anything in it
    std::uint64_t oldest_loan = 0;                      ///< when its source had nothing left to lend
    base::Deadline patience = base::Deadline::never();  ///< with who holds that
  };
  /// What packets to be published lie in, and what their interfaces are called here.
  struct Portion {
    const std::byte* memory_base;
    std::span<const std::uint16_t> interface_ids;
    const Batch* batch = nullptr;          ///< to be kept; null: its packets are copied
    std::uint32_t place = 0;               ///< of the memory it lies in
    const std::byte* lent_base = nullptr;  ///< where that begins
    ClientSet readers = 0;                 ///< who reads it there

    [[nodiscard]] const std::byte* bytes_of(const PacketDescriptor& packet) const noexcept {
      return memory_base + packet.offset;
    }
    [[nodiscard]] std::uint16_t interface_of(const PacketDescriptor& packet) const noexcept {
      return interface_ids[packet.interface_id];
    }
  };
  /// A slot for those who read packets in one of the two ways.
  struct Filling {
    ClientSet takers = 0;
    std::optional<std::uint32_t> slot{};  ///< none: nobody takes any, or no slot is free
    std::optional<SlotWriter> writer{};

    [[nodiscard]] ClientSet served() const noexcept { return slot ? takers : 0; }
  };
  struct Guest {  ///< has connected, but not greeted yet
    base::FileDescriptor socket;
    base::Deadline deadline = base::Deadline::never();
    PeerCredentials peer{};
    bool may_attach = false;
    bool is_trusted = false;
    bool has_asked = false;
  };

  Publisher(PublisherOptions options, std::string path, base::FileDescriptor listener, base::FileDescriptor epoll,
            base::SealedMemory packets);

  void publish(std::span<const PacketDescriptor> packets, const Portion& portion) noexcept;
  [[nodiscard]] std::optional<std::uint32_t> place_of(const detail::LendableMemory& memory) noexcept;
  [[nodiscard]] bool hand_over(std::uint32_t place, const detail::LendableMemory& memory) noexcept;
  [[nodiscard]] bool hand_over_all(std::uint32_t client) noexcept;
  [[nodiscard]] static bool hand_over(Borrower& client, std::uint32_t place, const LentMemory& memory) noexcept;
  [[nodiscard]] ClientSet readers_of(bool is_sealed) const noexcept { return is_sealed ? ~ClientSet{0} : trusted_; }
  void call_in_overdue() noexcept;
  void call_in_hoarded(const detail::BatchOwner* owner) noexcept;
  [[nodiscard]] bool has_old_loans(std::uint32_t place) const noexcept;
  [[nodiscard]] std::optional<std::uint16_t> find_or_add(const InterfaceRecord& record, std::uint32_t most) noexcept;
  void sort_clients() noexcept;
  [[nodiscard]] Filling begin_slot(ClientSet takers, const std::byte* lent_base) noexcept;
  [[nodiscard]] static std::uint32_t give_all(std::span<const PacketDescriptor> packets, const Portion& portion,
                                              Filling& copies, Filling& loans) noexcept;
  [[nodiscard]] std::uint32_t share_out(std::span<const PacketDescriptor> packets, const Portion& portion,
                                        Filling& copies, Filling& loans) noexcept;
  void give(const PacketDescriptor& packet, const Portion& portion, ClientSet chosen, Filling& filling) noexcept;
  void lend(const Filling& filling, const Portion& portion, bool in_place) noexcept;
  void skip_the_rest(ClientSet served) noexcept;
  void skip(std::uint32_t client, std::uint32_t packets) noexcept;
  void collect_returns() noexcept;
  void accept_guests();
  void turn_away() noexcept;
  [[nodiscard]] static base::FileDescriptor open_spare() noexcept;
  void hear_guests();
  [[nodiscard]] bool answer(Guest& guest, const Hello& hello);
  void refuse(const Guest& guest, const std::string& reason, bool is_final = true);
  void admit(Guest& guest, Request request);
  void hear_client(std::uint32_t client) noexcept;
  void look_after_clients() noexcept;
  void take_back_memories() noexcept;
  void evict(std::uint32_t client) noexcept;
  void dismiss(std::uint32_t client) noexcept;
  void share_credit() noexcept;
  [[nodiscard]] bool watch_listener() noexcept;
  [[nodiscard]] bool watch(int descriptor, std::uint32_t who, std::uint32_t events) noexcept;

  PublisherOptions options_;
  std::string path_;
  base::FileDescriptor listener_;
  base::FileDescriptor epoll_;
  base::FileDescriptor spare_ = open_spare();  // for the day when there is no other
  base::SealedMemory packets_;
  PacketsHeader* header_;
  LoanBook book_;
  Audience audience_;
  std::vector<LentMemory> memories_;  // by place
  std::vector<std::optional<Borrower>> clients_;
  std::vector<Guest> guests_;
  std::vector<Part> parts_;                // by client
  std::vector<std::uint64_t> numbers_;     // by client
  std::vector<std::uint16_t> link_types_;  // by interface; room is reserved
  bool names_all_interfaces_ = true;
  ClientSet trusted_ = 0;  // clients that read rings of packet sockets
  ClientSet takers_ = 0;   // clients that get their part of the slot being filled
  ClientSet late_ = 0;     // clients that hold all they may, and miss it
  std::uint32_t credit_ = 0;
  PublisherStats stats_;
};

}  // namespace ringtail::share
