// One client as its publisher sees it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <ringtail/error.hpp>

#include "base/file_descriptor.hpp"
#include "base/sealed_memory.hpp"
#include "share/layout.hpp"
#include "share/loan_book.hpp"
#include "share/message.hpp"
#include "share/return_ring.hpp"

namespace ringtail::share {

/// One client, for people who want to know.
struct ClientFigures {
  PeerCredentials peer{};
  std::string filter{};
  std::string group{};
  std::uint64_t lent_packets = 0;
  std::uint64_t skipped_packets = 0;
  std::uint32_t held_slots = 0;
  std::uint32_t credit = 0;  ///< slots it may hold
  std::uint64_t number = 0;  ///< the publisher's how manyeth client it is: a process may attach twice
  bool reads_rings = false;  ///< it is handed rings of packet sockets, and gets copies when it is late
};

/// The memory shared with one client, and the bell that wakes it. The bell is a byte on the control socket: unlike an
/// eventfd, whose O_NONBLOCK the client could take away from under us, it can be rung without ever waiting.
///
/// One thread. Nothing the client writes has more effect than on this client itself: its returns go through the loan
/// book, and `waiting` and `paused` are read once each time and only decide whether it is woken or lent to.
class Borrower {
 public:
  /// Makes the memory and sends it to the client. `packets_descriptor` is the memory all clients share.
  [[nodiscard]] static Result<Borrower> admit(base::FileDescriptor socket, const PeerCredentials& peer, Request request,
                                              const Geometry& geometry, int packets_descriptor);

  [[nodiscard]] int socket() const noexcept { return socket_.get(); }
  /// Readable once the client's process has ended; negative: nobody will say.
  [[nodiscard]] int process() const noexcept { return process_.get(); }
  /// Who it is and what it got; slots and credit are not known here.
  [[nodiscard]] ClientFigures figures() const;

  /// Hands over a memory that packets will be read in, in place of what was there before. False: the client does not
  /// take it, and has to go.
  [[nodiscard]] bool hand_over(std::uint32_t place, int descriptor) noexcept;
  /// The same with the ring of a packet socket.
  [[nodiscard]] bool hand_over_ring(std::uint32_t place, int descriptor, std::uint64_t bytes) noexcept;
  /// Nothing lies there any more.
  void take_back(std::uint32_t place) noexcept;

  /// What is announced: a slot whose packets are complete, and the place of the memory they lie in where that is not
  /// the slot.
  struct Offer {
    std::uint32_t slot;
    std::uint32_t packets;
    std::optional<std::uint32_t> place{};
  };
  /// The loan book has this client as a holder of the slot. It gets `selected` of the packets: those whose bits are set
  /// in `selection`, which is not looked at when it gets all.
  void announce(const Offer& offer, std::uint32_t selected, std::span<const std::uint64_t> selection) noexcept;
  /// The client had no room for this many packets.
  void skip(std::uint32_t packets) noexcept;
  void set_credit(std::uint32_t slots) noexcept { header_->credit.store(slots, std::memory_order_relaxed); }

  /// Takes what the client gives back. False: it gave back what it does not hold, and has to go.
  [[nodiscard]] bool take_returns(LoanBook& book, std::uint32_t client) noexcept;

  /// To be asked now and then: true once it has held all it may for longer than `limit`, has given nothing back
  /// meanwhile, and has missed packets for it. Who is only slow gives back; who merely does not look misses nothing
  /// yet.
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] bool is_stuck(bool holds_all_it_may, Clock::time_point now, Clock::duration limit) noexcept;

  /// True while packets may be announced. Notices, and confirms, that the client wants no more.
  [[nodiscard]] bool is_lending() noexcept;

  /// LoanState::ended or evicted: the client is told, and woken.
  void set_state(LoanState state) noexcept;

 private:
  Borrower(base::FileDescriptor socket, const PeerCredentials& peer, Request request, base::SealedMemory lent,
           base::SealedMemory returned, const Geometry& geometry);
  void name(std::uint32_t place) noexcept;
  void wake_if_waiting() noexcept;
  void ring_bell() noexcept;

  base::FileDescriptor socket_;
  base::FileDescriptor process_;
  PeerCredentials peer_;
  std::string filter_;  // as its user wrote it
  std::string group_;
  base::SealedMemory lent_;
  base::SealedMemory returned_;
  LentHeader* header_;
  Announcement* announcements_;
  std::uint64_t* selections_;
  const ReturnedHeader* answers_;
  ReturnReader returns_;
  std::uint64_t mask_;
  std::uint64_t next_ = 0;  // position of the next announcement
  std::uint32_t handed_over_ = 0;
  std::array<std::uint32_t, memory_places> memory_names_{};  // by place; 0: it has none there
  std::uint64_t slots_back_ = 0;                             // given back so far
  std::uint64_t slots_back_before_ = 0;
  std::uint64_t skipped_before_ = 0;  // packets, when it last moved or had credit
  Clock::time_point moved_at_ = Clock::now();
  std::uint32_t last_sleep_ = 0;  // the value of `waiting` for which the bell was rung
  LoanState state_ = LoanState::lending;
};

}  // namespace ringtail::share
