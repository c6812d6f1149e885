#include "share/message.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/descriptor_message.hpp"
#include "base/printable.hpp"

namespace ringtail::share {

namespace {

// Behind the greeting.
constexpr std::uint8_t bell_word = 0;
constexpr std::uint8_t first_memory_word = 1;
constexpr std::uint8_t first_ring_word = first_memory_word + memory_places;
constexpr std::uint8_t first_gone_word = first_ring_word + memory_places;

// A ring's word and its length go out, and so come in, together.
struct [[gnu::packed]] RingNews {
  std::uint8_t word;
  std::uint64_t bytes;
};
static_assert(sizeof(RingNews) == 9);

// A full socket rings already; a broken one is noticed by whoever reads it.
void send_word(int socket, std::uint8_t word) noexcept {
  (void)!::send(socket, &word, sizeof word, MSG_DONTWAIT | MSG_NOSIGNAL);
}

std::string fault_of(const Greeting& greeting, ssize_t bytes, std::size_t descriptors,
                     std::size_t expected_descriptors) {
  const Welcome& welcome = greeting.welcome;
  if (bytes != sizeof welcome || welcome.magic != message_magic) return "what answers there is no publisher";
  if (welcome.refusal[0] != 0) {
    return base::printable({welcome.refusal, ::strnlen(welcome.refusal, sizeof welcome.refusal)});
  }
  if (welcome.version != layout_version) return "the publisher speaks version " + std::to_string(welcome.version);
  if (descriptors != expected_descriptors || !welcome.geometry.is_sane() ||
      welcome.link_type_count > std::size(welcome.link_types)) {
    return "the publisher's answer is broken";
  }
  return {};
}

}  // namespace

std::optional<PeerCredentials> credentials_of_peer(int socket) noexcept {
  ucred credentials = {};
  socklen_t bytes = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) != 0) return std::nullopt;
  return PeerCredentials{.user = credentials.uid, .group = credentials.gid, .process = credentials.pid};
}

base::FileDescriptor process_of_peer(int socket) noexcept {
  constexpr int peer_process = 77;  // SO_PEERPIDFD, which glibc does not know yet; new in Linux 6.5
  int descriptor = -1;
  socklen_t bytes = sizeof descriptor;
  if (::getsockopt(socket, SOL_SOCKET, peer_process, &descriptor, &bytes) == 0) return base::FileDescriptor(descriptor);
  // By number it may be somebody who came after the peer's death. Then it is late that we hear of that.
  const auto peer = credentials_of_peer(socket);
  return base::FileDescriptor(peer ? static_cast<int>(::syscall(SYS_pidfd_open, peer->process, 0)) : -1);
}

Result<Greeting> greet(int socket, const Request& request, const std::string& operation,
                       const base::Deadline& deadline) {
  const Hello hello = to_hello(request);
  if (::send(socket, &hello, sizeof hello, MSG_NOSIGNAL) != sizeof hello) {
    return tl::unexpected(system_error(operation, errno, "greet the publisher"));
  }
  pollfd answer = {.fd = socket, .events = POLLIN, .revents = 0};
  const auto patience = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining(usual_patience));
  if (::poll(&answer, 1, static_cast<int>(patience.count())) != 1) {
    return tl::unexpected(make_error(operation, "the publisher does not answer"));
  }
  Greeting greeting;
  std::size_t descriptors = 0;
  const ssize_t bytes = base::receive_with_descriptors(socket, std::as_writable_bytes(std::span(&greeting.welcome, 1)),
                                                       greeting.descriptors, descriptors, MSG_DONTWAIT);
  if (bytes < 0) return tl::unexpected(system_error(operation, errno, "the publisher's answer"));
  if (bytes == 0) return tl::unexpected(make_error(operation, "the publisher hung up"));
  const std::size_t expected = request.intent == Intent::ask ? 0 : greeting.descriptors.size();
  const std::string fault = fault_of(greeting, bytes, descriptors, expected);
  if (fault.empty()) return greeting;
  Error error = make_error(operation, fault);
  if (bytes == sizeof greeting.welcome && greeting.welcome.is_final != 0) error.error_number = EPERM;
  return tl::unexpected(std::move(error));
}

// A stream may bring it in pieces. They are looked at where they are, so nobody keeps them for a guest that dawdles.
HelloStatus read_hello(int socket, Hello& hello) noexcept {
  constexpr ssize_t told = offsetof(Hello, intent);  // the magic and the version have come
  const ssize_t seen = ::recv(socket, &hello, sizeof hello, MSG_DONTWAIT | MSG_PEEK);
  if (seen < 0 && (errno == EAGAIN || errno == EINTR)) return HelloStatus::nothing_yet;
  if (seen <= 0 || (seen >= told && hello.magic != message_magic)) return HelloStatus::nonsense;
  const bool other_version = seen >= told && hello.version != layout_version;
  if (seen < static_cast<ssize_t>(sizeof hello) && !other_version) return HelloStatus::nothing_yet;
  // recv(2) has no room for descriptors, so the kernel closes those that a stranger sends along.
  if (::recv(socket, &hello, sizeof hello, MSG_DONTWAIT) != seen) return HelloStatus::nonsense;
  return other_version ? HelloStatus::wrong_version : HelloStatus::right;
}

void send_bell(int socket) noexcept {
  send_word(socket, bell_word);
}

bool send_memory(int socket, std::uint32_t place, int descriptor) noexcept {
  const auto word = static_cast<std::byte>(first_memory_word + place);
  return base::send_with_descriptors(socket, {&word, 1}, {&descriptor, 1}, MSG_DONTWAIT) == sizeof word;
}

bool send_ring(int socket, std::uint32_t place, int descriptor, std::uint64_t bytes) noexcept {
  const RingNews news = {.word = static_cast<std::uint8_t>(first_ring_word + place), .bytes = bytes};
  return base::send_with_descriptors(socket, std::as_bytes(std::span(&news, 1)), {&descriptor, 1}, MSG_DONTWAIT) ==
         sizeof news;
}

void send_memory_gone(int socket, std::uint32_t place) noexcept {
  send_word(socket, static_cast<std::uint8_t>(first_gone_word + place));
}

News read_news(int socket) noexcept {
  std::uint8_t word = 0;
  base::FileDescriptor descriptor;
  std::size_t count = 0;
  const ssize_t bytes = base::receive_with_descriptors(socket, std::as_writable_bytes(std::span(&word, 1)),
                                                       {&descriptor, 1}, count, MSG_DONTWAIT);
  if (bytes < 0) return {.kind = errno == EAGAIN || errno == EINTR ? News::Kind::nothing_yet : News::Kind::hung_up};
  if (bytes == 0) return {.kind = News::Kind::hung_up};
  if (word == bell_word && count == 0) return {.kind = News::Kind::bell};
  const std::uint32_t place = (word - first_memory_word) % memory_places;
  if (word >= first_memory_word && word < first_ring_word && count == 1) {
    return {.kind = News::Kind::memory, .place = place, .descriptor = std::move(descriptor)};
  }
  if (word >= first_ring_word && word < first_gone_word && count == 1) {
    std::uint64_t length = 0;
    if (::recv(socket, &length, sizeof length, MSG_DONTWAIT) != sizeof length) return {.kind = News::Kind::nonsense};
    return {.kind = News::Kind::ring, .place = place, .ring_bytes = length, .descriptor = std::move(descriptor)};
  }
  if (word >= first_gone_word && word < first_gone_word + memory_places && count == 0) {
    return {.kind = News::Kind::memory_gone, .place = place};
  }
  return {.kind = News::Kind::nonsense};
}

bool send_welcome(int socket, const Geometry& geometry, const SharedDescriptors& descriptors) noexcept {
  Welcome welcome;
  welcome.geometry = geometry;
  const auto bytes = std::as_bytes(std::span(&welcome, 1));
  return base::send_with_descriptors(socket, bytes, descriptors, MSG_DONTWAIT) == sizeof welcome;
}

bool send_link_types(int socket, const Geometry& geometry, std::span<const std::uint16_t> link_types) noexcept {
  Welcome welcome;
  welcome.geometry = geometry;
  welcome.link_type_count = static_cast<std::uint16_t>(std::min(link_types.size(), std::size(welcome.link_types)));
  std::copy_n(link_types.begin(), welcome.link_type_count, welcome.link_types);
  return ::send(socket, &welcome, sizeof welcome, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof welcome;
}

void send_refusal(int socket, std::string_view reason, bool is_final) noexcept {
  Welcome welcome;
  welcome.is_final = is_final ? 1 : 0;
  reason.copy(welcome.refusal, sizeof welcome.refusal - 1);
  (void)!::send(socket, &welcome, sizeof welcome, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace ringtail::share
