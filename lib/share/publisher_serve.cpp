// The slow half of the publisher: who comes, who goes, who has to go.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>

#include "share/publisher.hpp"

namespace ringtail::share {

namespace {

constexpr std::size_t most_guests = 32;
constexpr std::size_t most_strangers = 16;  // guests who will be refused: they keep nobody else out
constexpr std::chrono::seconds longest_greeting{1};
constexpr std::chrono::seconds longest_compilation{10};  // of a client's filter, whose names may have to be looked up
constexpr int events_at_once = 64;
constexpr int guests_at_once = 16;  // the others wait at the door until these have been heard

// What an epoll event is about: a client's number, or one of these.
constexpr std::uint32_t about_listener = 0xffffffff;
constexpr std::uint32_t about_guests = 0xfffffffe;
constexpr std::uint32_t about_process = 0x80000000;  // added to the client's number
static_assert(LoanBook::most_clients < about_process);

}  // namespace

bool Publisher::watch_listener() noexcept {
  return watch(listener_.get(), about_listener, EPOLLIN);
}

bool Publisher::watch(int descriptor, std::uint32_t who, std::uint32_t events) noexcept {
  epoll_event event = {.events = events, .data = {.u32 = who}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0) return true;
  return errno == EEXIST && ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event) == 0;
}

void Publisher::serve() {
  epoll_event events[events_at_once];
  const int ready = ::epoll_wait(epoll_.get(), events, events_at_once, 0);
  for (int index = 0; index < ready; ++index) {
    const std::uint32_t who = events[index].data.u32;
    if (who == about_listener) {
      accept_guests();
    } else if (who == about_guests) {
      continue;
    } else if ((who & about_process) != 0) {
      if (clients_[who & ~about_process]) dismiss(who & ~about_process);
    } else {
      hear_client(who);
    }
  }
  hear_guests();
  look_after_clients();
}

void Publisher::accept_guests() {
  for (int accepted = 0; accepted < guests_at_once; ++accepted) {
    base::FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.is_open()) {
      if (errno == EMFILE || errno == ENFILE) turn_away();
      return;
    }
    const auto peer = credentials_of_peer(socket.get());
    welcome(std::move(socket), peer && options_.admits(*peer), peer && options_.trusts && options_.trusts(*peer));
  }
}

void Publisher::welcome(base::FileDescriptor socket, bool may_attach, bool is_trusted) {
  const auto peer = credentials_of_peer(socket.get());
  const std::size_t places = may_attach ? most_guests : most_strangers;
  // Edge-triggered: half a greeting must not keep our pollable descriptor readable until its deadline.
  if (guests_.size() >= places || !peer || !watch(socket.get(), about_guests, EPOLLIN | EPOLLET)) {
    ++stats_.refused;
    return;
  }
  guests_.push_back({.socket = std::move(socket),
                     .deadline = base::Deadline::after(longest_greeting),
                     .peer = *peer,
                     .may_attach = may_attach,
                     .is_trusted = is_trusted});
}

/// Out of descriptors: whoever waits is let in with the one kept for this, and sent away. Left in the queue it would
/// keep our pollable descriptor readable for ever.
void Publisher::turn_away() noexcept {
  spare_.close();
  base::FileDescriptor guest(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (guest.is_open()) ++stats_.refused;  // accept4() says EMFILE when nobody waits, too
  guest.close();
  spare_ = open_spare();
}

base::FileDescriptor Publisher::open_spare() noexcept {
  return base::FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

/// Each guest says hello, or has to leave.
void Publisher::hear_guests() {
  Hello hello;
  for (Guest& guest : guests_) {
    switch (read_hello(guest.socket.get(), hello)) {
      case HelloStatus::nothing_yet:
        if (guest.deadline.has_passed()) guest.socket.close();
        continue;
      case HelloStatus::right:
        if (answer(guest, hello)) continue;
        break;
      case HelloStatus::wrong_version:
        refuse(guest, "the publisher speaks version " + std::to_string(layout_version));
        break;
      case HelloStatus::nonsense:
        ++stats_.broken;
        break;
    }
    guest.socket.close();
  }
  std::erase_if(guests_, [](const Guest& guest) { return !guest.socket.is_open(); });
}

/// True when the guest stays and will greet once more.
bool Publisher::answer(Guest& guest, const Hello& hello) {
  auto request = read_request(hello);
  if (!request) {
    refuse(guest, request.error().reason);
    return false;
  }
  if (!guest.may_attach) {
    refuse(guest, "this user may not attach");
    return false;
  }
  if (request->intent == Intent::attach) {
    admit(guest, std::move(*request));
    return false;
  }
  std::vector<std::uint16_t> link_types = link_types_;
  std::sort(link_types.begin(), link_types.end());
  link_types.erase(std::unique(link_types.begin(), link_types.end()), link_types.end());
  if (std::exchange(guest.has_asked, true)) return false;
  guest.deadline = base::Deadline::after(longest_compilation);
  return send_link_types(guest.socket.get(), options_.geometry, link_types);
}

/// Only after its hello was read: closing a socket with unread words in it would take our answer back (unix(7)).
void Publisher::refuse(const Guest& guest, const std::string& reason, bool is_final) {
  ++stats_.refused;
  send_refusal(guest.socket.get(), reason, is_final);
}

void Publisher::admit(Guest& guest, Request request) {
  const auto place = std::find(clients_.begin(), clients_.end(), std::nullopt);
  if (place == clients_.end()) {
    return refuse(guest, "all " + std::to_string(clients_.size()) + " places are taken", false);
  }
  const auto number = static_cast<std::uint32_t>(place - clients_.begin());
  const bool reads_rings = guest.is_trusted && request.takes_rings;
  auto filter = std::move(request.filter);
  if (auto why = audience_.join(number, std::move(filter), request.group, request.sharing, request.key)) {
    return refuse(guest, *why);
  }
  const bool watched = watch(guest.socket.get(), number, EPOLLIN);
  auto borrower = Borrower::admit(std::move(guest.socket), guest.peer, std::move(request), options_.geometry,
                                  packets_.descriptor());
  if (!watched || !borrower) {
    audience_.leave(number);
    ++stats_.refused;
    return;
  }
  place->emplace(std::move(*borrower));
  // Its children may have inherited its end of the socket, which then does not close with it.
  if ((*place)->process() >= 0) (void)watch((*place)->process(), number | about_process, EPOLLIN);
  if (reads_rings) trusted_ |= set_of(number);
  ++stats_.clients;
  if (!hand_over_all(number)) {
    ++stats_.refused;
    return dismiss(number);
  }
  numbers_[number] = ++stats_.admitted;
  share_credit();
}

/// What the others have already.
bool Publisher::hand_over_all(std::uint32_t client) noexcept {
  for (std::uint32_t place = 0; place < memory_places; ++place) {
    const LentMemory& memory = memories_[place];
    if (!memory.descriptor.is_open() || (readers_of(memory.is_sealed) & set_of(client)) == 0) continue;
    if (!hand_over(*clients_[client], place, memory)) return false;
  }
  return true;
}

bool Publisher::hand_over(Borrower& client, std::uint32_t place, const LentMemory& memory) noexcept {
  const int descriptor = memory.descriptor.get();
  return memory.is_sealed ? client.hand_over(place, descriptor)
                          : client.hand_over_ring(place, descriptor, memory.bytes);
}

/// A client has nothing to say: a word from it is nonsense, the end of its words is its end.
void Publisher::hear_client(std::uint32_t client) noexcept {
  if (!clients_[client]) return;
  char word = 0;
  const ssize_t bytes = ::recv(clients_[client]->socket(), &word, sizeof word, MSG_DONTWAIT);
  if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (bytes > 0) ++stats_.broken;
  dismiss(client);
}

void Publisher::look_after_clients() noexcept {
  collect_returns();
  call_in_overdue();
  const auto now = Borrower::Clock::now();
  for (std::uint32_t client = 0; client < clients_.size(); ++client) {
    if (!clients_[client]) continue;
    (void)clients_[client]->is_lending();  // confirms a wish to be lent no more
    if (!clients_[client]->is_stuck(book_.held(client) >= credit_, now, options_.hold_limit)) continue;
    evict(client);
  }
  take_back_memories();
}

void Publisher::evict(std::uint32_t client) noexcept {
  clients_[client]->set_state(LoanState::evicted);
  ++stats_.evicted;
  dismiss(client);
}

void Publisher::recall() noexcept {
  for (LentMemory& memory : memories_) memory.recall = base::Deadline::after(options_.hold_limit);
}

/// Memories of sources that have gone, once nobody holds anything in them; or their holders, when that takes too long.
void Publisher::take_back_memories() noexcept {
  for (std::uint32_t place = 0; place < memory_places; ++place) {
    LentMemory& memory = memories_[place];
    if (!memory.descriptor.is_open() || memory.recall.is_never()) continue;
    const ClientSet holders = book_.holders_at(place);
    if (holders != 0 && !memory.recall.has_passed()) continue;
    for (std::uint32_t client = 0; client < clients_.size(); ++client) {
      if ((holders & set_of(client)) != 0) evict(client);
      if (clients_[client]) clients_[client]->take_back(place);
    }
    memory = {};
  }
}

}  // namespace ringtail::share
