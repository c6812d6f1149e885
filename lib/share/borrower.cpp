#include "share/borrower.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "ring/owned_counter.hpp"

namespace ringtail::share {

namespace {

tl::unexpected<Error> refused(int socket, Error error) {
  send_refusal(socket, error.reason);
  return tl::unexpected(std::move(error));
}

}  // namespace

Result<Borrower> Borrower::admit(base::FileDescriptor socket, const PeerCredentials& peer, Request request,
                                 const Geometry& geometry, int packets_descriptor) {
  auto lent = base::SealedMemory::create("ringtail-lent", geometry.lent_bytes(), base::Writers::owner_alone);
  if (!lent) return refused(socket.get(), std::move(lent.error()));
  auto returned =
      base::SealedMemory::create("ringtail-returned", geometry.returned_bytes(), base::Writers::owner_and_holder);
  if (!returned) return refused(socket.get(), std::move(returned.error()));
  const SharedDescriptors descriptors = {packets_descriptor, lent->descriptor(), returned->descriptor()};
  Borrower borrower(std::move(socket), peer, std::move(request), std::move(*lent), std::move(*returned), geometry);
  if (!send_welcome(borrower.socket(), geometry, descriptors)) {
    return tl::unexpected(make_error("admit a client", "it does not take the answer"));
  }
  return borrower;
}

Borrower::Borrower(base::FileDescriptor socket, const PeerCredentials& peer, Request request, base::SealedMemory lent,
                   base::SealedMemory returned, const Geometry& geometry)
    : socket_(std::move(socket)),
      process_(process_of_peer(socket_.get())),
      peer_(peer),
      filter_(std::move(request.filter_text)),
      group_(std::move(request.group)),
      lent_(std::move(lent)),
      returned_(std::move(returned)),
      header_(new (lent_.data()) LentHeader()),
      announcements_(reinterpret_cast<Announcement*>(lent_.data() + sizeof(LentHeader))),
      selections_(reinterpret_cast<std::uint64_t*>(lent_.data() + geometry.selections_offset())),
      answers_(new (returned_.data()) ReturnedHeader()),
      returns_(reinterpret_cast<const Return*>(returned_.data() + sizeof(ReturnedHeader)), geometry.slot_count),
      mask_(geometry.slot_count - 1) {}

ClientFigures Borrower::figures() const {
  return {.peer = peer_,
          .filter = filter_,
          .group = group_,
          .lent_packets = header_->announced_packets.load(std::memory_order_relaxed),
          .skipped_packets = header_->skipped_packets.load(std::memory_order_relaxed)};
}

bool Borrower::hand_over(std::uint32_t place, int descriptor) noexcept {
  if (!send_memory(socket_.get(), place, descriptor)) return false;
  name(place);
  return true;
}

bool Borrower::hand_over_ring(std::uint32_t place, int descriptor, std::uint64_t bytes) noexcept {
  if (!send_ring(socket_.get(), place, descriptor, bytes)) return false;
  name(place);
  return true;
}

void Borrower::name(std::uint32_t place) noexcept {
  memory_names_[place] = name_memory(++handed_over_, place);
}

void Borrower::take_back(std::uint32_t place) noexcept {
  if (std::exchange(memory_names_[place], 0) != 0) send_memory_gone(socket_.get(), place);
}

void Borrower::announce(const Offer& offer, std::uint32_t selected, std::span<const std::uint64_t> selection) noexcept {
  Announcement& announcement = announcements_[next_ & mask_];
  announcement.slot.store(offer.slot, std::memory_order_relaxed);
  announcement.packets.store(offer.packets, std::memory_order_relaxed);
  announcement.selected.store(selected, std::memory_order_relaxed);
  announcement.memory.store(offer.place ? memory_names_[*offer.place] : 0, std::memory_order_relaxed);
  if (selected != offer.packets) {
    std::copy(selection.begin(), selection.end(), selections_ + (next_ & mask_) * selection.size());
  }
  ring::add_by_owner(header_->announced_packets, selected);
  // Releases the slot's contents to the client's load in ShareBackend::look(). Sequentially consistent, as is the load
  // in wake_if_waiting(): the client stores `waiting` and then looks here, we store here and then look at `waiting`,
  // and one of the two must see the other's store.
  announcement.position.store(++next_, std::memory_order_seq_cst);
  wake_if_waiting();
}

void Borrower::skip(std::uint32_t packets) noexcept {
  ring::add_by_owner(header_->skipped_packets, packets);
  ring::add_by_owner(header_->skipped_batches, 1);
}

bool Borrower::take_returns(LoanBook& book, std::uint32_t client) noexcept {
  while (const auto slot = returns_.next()) {
    if (!book.give_back(*slot, client)) return false;
    ++slots_back_;
  }
  return true;
}

bool Borrower::is_stuck(bool holds_all_it_may, Clock::time_point now, Clock::duration limit) noexcept {
  const std::uint64_t skipped = header_->skipped_packets.load(std::memory_order_relaxed);
  if (!holds_all_it_may || slots_back_ != slots_back_before_) {
    slots_back_before_ = slots_back_;
    skipped_before_ = skipped;
    moved_at_ = now;
  }
  return skipped != skipped_before_ && now - moved_at_ > limit;
}

bool Borrower::is_lending() noexcept {
  if (state_ == LoanState::lending && answers_->paused.load(std::memory_order_relaxed) != 0) {
    set_state(LoanState::paused);
  }
  return state_ == LoanState::lending;
}

void Borrower::set_state(LoanState state) noexcept {
  state_ = state;
  // Release: whoever sees the state sees all announcements and figures before it.
  header_->state.store(static_cast<std::uint32_t>(state), std::memory_order_release);
  ring_bell();
}

void Borrower::wake_if_waiting() noexcept {
  const std::uint32_t sleep =
      answers_->waiting.load(std::memory_order_seq_cst);  // pairs with ShareBackend::fall_asleep()
  if (sleep == 0 || sleep == last_sleep_) return;
  last_sleep_ = sleep;
  ring_bell();
}

void Borrower::ring_bell() noexcept {
  send_bell(socket_.get());
}

}  // namespace ringtail::share
