#include "control_server.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <utility>

#include "base/descriptor_message.hpp"
#include "control/socket_path.hpp"
#include "log.hpp"
#include "share/message.hpp"

namespace ringtail::daemon {

namespace {

constexpr std::ptrdiff_t most_clients_of_a_user = 16;
constexpr std::size_t most_clients = 128;
constexpr std::chrono::milliseconds closed_doors{200};
constexpr std::chrono::minutes between_complaints{1};

}  // namespace

struct ControlServer::Client {
  base::FileDescriptor socket;
  std::string capture;
  control::Peer peer;
  control::LineBuffer lines{control::longest_line_bytes};
  base::FileDescriptor file{};  ///< has come with a question that is not asked yet
  std::string outgoing{};
  Clock::time_point patience_ends_at;  ///< with who does not ask, or does not read its answer
  bool has_spoken = false;
  bool is_waiting = false;  ///< for an answer
  bool hangs_up = false;    ///< once `outgoing` has gone
};

ControlServer::ControlServer(Handler handler, AttachHandler attach_handler, Clock::duration patience)
    : handler_(std::move(handler)),
      attach_handler_(std::move(attach_handler)),
      patience_(patience),
      bell_(base::WakeEvent::create()) {}

ControlServer::~ControlServer() = default;

Result<void> ControlServer::listen(const std::string& run_directory, const std::string& capture) {
  auto socket = control::ServerSocket::listen(control::socket_path(run_directory, capture));
  if (!socket) return tl::unexpected(std::move(socket.error()));
  sockets_.emplace(capture, std::move(*socket));
  return {};
}

void ControlServer::close(const std::string& capture) {
  sockets_.erase(capture);
}

void ControlServer::answer(std::uint64_t client, const control::Answer& answer) {
  {
    const std::lock_guard lock(mutex_);
    answers_.push_back({client, control::encode(answer)});
  }
  bell_.signal();
}

void ControlServer::add_to(std::vector<pollfd>& descriptors) const {
  descriptors.push_back({.fd = bell_.descriptor(), .events = POLLIN, .revents = 0});
  const bool are_doors_open = Clock::now() >= doors_open_at_;
  for (const auto& [name, socket] : sockets_) {
    if (!are_doors_open) break;
    descriptors.push_back({.fd = socket.descriptor(), .events = POLLIN, .revents = 0});
  }
  for (const auto& [id, client] : clients_) {
    short events = 0;
    if (!client->outgoing.empty()) events |= POLLOUT;
    if (!client->is_waiting && client->outgoing.empty()) events |= POLLIN;  // one question at a time
    descriptors.push_back({.fd = client->socket.get(), .events = events, .revents = 0});
  }
}

void ControlServer::serve(const std::vector<pollfd>& descriptors) {
  const auto events_of = [&descriptors](int descriptor) -> short {
    for (const pollfd& each : descriptors) {
      if (each.fd == descriptor) return each.revents;
    }
    return 0;
  };
  deliver_answers();
  const auto now = Clock::now();
  for (auto each = clients_.begin(); each != clients_.end();) {
    Client& client = *each->second;
    const short events = events_of(client.socket.get());
    bool stays = (events & (POLLERR | POLLNVAL)) == 0;
    if (stays && (events & (POLLIN | POLLHUP)) != 0) stays = read_from(each->first, client);
    if (stays && !client.outgoing.empty()) stays = write_to(client);
    if (stays && client.hangs_up && client.outgoing.empty()) stays = false;
    if (stays && !client.is_waiting && now >= client.patience_ends_at) stays = false;
    each = stays ? std::next(each) : clients_.erase(each);
  }
  for (auto& [capture, socket] : sockets_) {
    if (events_of(socket.descriptor()) != 0) accept_from(capture, socket);
  }
}

void ControlServer::accept_from(const std::string& capture, control::ServerSocket& socket) {
  while (auto descriptor = socket.accept()) {
    auto peer = control::peer_of(descriptor->get());
    if (!peer) continue;
    const auto of_this_user = std::count_if(clients_.begin(), clients_.end(),
                                            [&](const auto& each) { return each.second->peer.uid == peer->uid; });
    // Root always gets in: somebody has to.
    if (peer->uid != 0 && (of_this_user >= most_clients_of_a_user || clients_.size() >= most_clients)) continue;
    auto client = std::make_unique<Client>();
    client->socket = std::move(*descriptor);
    client->patience_ends_at = Clock::now() + patience_;
    client->capture = capture;
    client->peer = std::move(*peer);
    clients_.emplace(++last_client_, std::move(client));
  }
  if (errno == EMFILE || errno == ENFILE) close_doors();
}

/// Who waits outside would wake us again and again.
void ControlServer::close_doors() {
  const auto now = Clock::now();
  doors_open_at_ = now + closed_doors;
  if (now < complain_at_) return;
  complain_at_ = now + between_complaints;
  log(LogLevel::warning, "",
      "no descriptor is left for who asks or attaches: they wait (LimitNOFILE, prlimit --nofile)");
}

/// The first byte tells what somebody wants. True when it is packets: then the connection has gone to whoever lends.
bool ControlServer::hand_over(Client& client) {
  char first = 0;
  if (::recv(client.socket.get(), &first, sizeof first, MSG_PEEK) != sizeof first) return false;
  client.has_spoken = true;
  if (first != share::first_byte_of_hello) return false;
  attach_handler_({.capture = client.capture, .peer = client.peer, .socket = std::move(client.socket)});
  return true;
}

/// False when the client has gone.
bool ControlServer::read_from(std::uint64_t id, Client& client) {
  if (!client.has_spoken && hand_over(client)) return false;
  char bytes[4096];
  std::size_t files = 0;  // of several only the first is kept
  const ssize_t got = base::receive_with_descriptors(client.socket.get(), std::as_writable_bytes(std::span(bytes)),
                                                     std::span(&client.file, 1), files);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  if (!client.lines.add({bytes, static_cast<std::size_t>(got)})) {
    client.outgoing = control::encode(control::Answer{.error = "the line is too long"});
    client.hangs_up = true;
    return true;
  }
  return ask_next(id, client);
}

bool ControlServer::ask_next(std::uint64_t id, Client& client) {
  if (client.is_waiting || client.hangs_up) return true;
  const auto line = client.lines.next();
  if (!line) return true;
  const auto request = control::decode_request(*line);
  if (!request) {
    client.outgoing += control::encode(control::Answer{.error = request.error().message()});
    client.hangs_up = true;
    return true;
  }
  client.is_waiting = true;
  Question question{.client = id, .capture = client.capture, .peer = client.peer, .request = *request};
  if (client.file.is_open()) question.file = std::make_shared<base::FileDescriptor>(std::move(client.file));
  handler_(question);
  return true;
}

/// False when the client has gone.
bool ControlServer::write_to(Client& client) {
  const ssize_t sent = ::send(client.socket.get(), client.outgoing.data(), client.outgoing.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  client.outgoing.erase(0, static_cast<std::size_t>(sent));
  return true;
}

void ControlServer::deliver_answers() {
  bell_.drain();
  std::vector<Late> answers;
  {
    const std::lock_guard lock(mutex_);
    answers.swap(answers_);
  }
  for (Late& answer : answers) {
    const auto found = clients_.find(answer.client);
    if (found == clients_.end()) continue;
    found->second->outgoing += answer.line;
    found->second->is_waiting = false;
    found->second->patience_ends_at = Clock::now() + patience_;
    (void)ask_next(answer.client, *found->second);
  }
}

}  // namespace ringtail::daemon
