#include "share/message.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>

namespace ringtail::share {

namespace {

constexpr int answer_timeout_ms = 5000;

// Behind the greeting.
constexpr std::uint8_t bell_word = 0;
constexpr std::uint8_t first_memory_word = 1;
constexpr std::uint8_t first_gone_word = first_memory_word + memory_places;

// A full socket rings already; a broken one is noticed by whoever reads it.
void send_word(int socket, std::uint8_t word) noexcept {
  (void)!::send(socket, &word, sizeof word, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/// Room for the descriptors of one message, aligned as cmsg(3) wants it.
struct alignas(cmsghdr) ControlBuffer {
  char bytes[CMSG_SPACE(sizeof(SharedDescriptors))];
};

msghdr message_around(iovec& data, ControlBuffer& control) {
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  return message;
}

/// Owns whatever descriptors a message brought, so that none is lost when the message turns out to be wrong.
std::size_t adopt_descriptors(msghdr& message, std::array<base::FileDescriptor, 3>& descriptors) {
  std::size_t count = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t bytes = header->cmsg_len - CMSG_LEN(0);
    for (std::size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(header) + at, sizeof descriptor);
      base::FileDescriptor owned(descriptor);
      if (count < descriptors.size()) descriptors[count] = std::move(owned);
      ++count;
    }
  }
  return count;
}

std::string fault_of(const Greeting& greeting, ssize_t bytes, std::size_t descriptors,
                     std::size_t expected_descriptors) {
  const Welcome& welcome = greeting.welcome;
  if (bytes != sizeof welcome || welcome.magic != message_magic) return "what answers there is no publisher";
  if (welcome.refusal[0] != 0) return std::string(welcome.refusal, ::strnlen(welcome.refusal, sizeof welcome.refusal));
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

Result<Greeting> greet(int socket, const Request& request, const std::string& operation) {
  const Hello hello = to_hello(request);
  if (::send(socket, &hello, sizeof hello, MSG_NOSIGNAL) != sizeof hello) {
    return tl::unexpected(system_error(operation, errno, "greet the publisher"));
  }
  pollfd answer = {.fd = socket, .events = POLLIN, .revents = 0};
  if (::poll(&answer, 1, answer_timeout_ms) != 1) {
    return tl::unexpected(make_error(operation, "the publisher does not answer"));
  }
  Greeting greeting;
  ControlBuffer control;
  iovec data = {.iov_base = &greeting.welcome, .iov_len = sizeof greeting.welcome};
  msghdr message = message_around(data, control);
  const ssize_t bytes = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (bytes < 0) return tl::unexpected(system_error(operation, errno, "the publisher's answer"));
  if (bytes == 0) return tl::unexpected(make_error(operation, "the publisher hung up"));
  const std::size_t descriptors = adopt_descriptors(message, greeting.descriptors);
  const std::size_t expected = request.intent == Intent::ask ? 0 : greeting.descriptors.size();
  const std::string fault = fault_of(greeting, bytes, descriptors, expected);
  if (!fault.empty()) return tl::unexpected(make_error(operation, fault));
  return greeting;
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
  auto word = static_cast<std::uint8_t>(first_memory_word + place);
  ControlBuffer control = {};
  iovec data = {.iov_base = &word, .iov_len = sizeof word};
  msghdr message = message_around(data, control);
  message.msg_controllen = CMSG_SPACE(sizeof descriptor);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof word;
}

void send_memory_gone(int socket, std::uint32_t place) noexcept {
  send_word(socket, static_cast<std::uint8_t>(first_gone_word + place));
}

News read_news(int socket) noexcept {
  std::uint8_t word = 0;
  ControlBuffer control;
  iovec data = {.iov_base = &word, .iov_len = sizeof word};
  msghdr message = message_around(data, control);
  const ssize_t bytes = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (bytes < 0) return {.kind = errno == EAGAIN || errno == EINTR ? News::Kind::nothing_yet : News::Kind::hung_up};
  if (bytes == 0) return {.kind = News::Kind::hung_up};
  std::array<base::FileDescriptor, 3> descriptors;
  const std::size_t count = adopt_descriptors(message, descriptors);
  if (word == bell_word && count == 0) return {.kind = News::Kind::bell};
  const std::uint32_t place = (word - first_memory_word) % memory_places;
  if (word >= first_memory_word && word < first_gone_word && count == 1) {
    return {.kind = News::Kind::memory, .place = place, .descriptor = std::move(descriptors[0])};
  }
  if (word >= first_gone_word && word < first_gone_word + memory_places && count == 0) {
    return {.kind = News::Kind::memory_gone, .place = place};
  }
  return {.kind = News::Kind::nonsense};
}

bool send_welcome(int socket, const Geometry& geometry, const SharedDescriptors& descriptors) noexcept {
  Welcome welcome;
  welcome.geometry = geometry;
  ControlBuffer control = {};
  iovec data = {.iov_base = &welcome, .iov_len = sizeof welcome};
  msghdr message = message_around(data, control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptors);
  std::memcpy(CMSG_DATA(header), descriptors.data(), sizeof descriptors);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof welcome;
}

bool send_link_types(int socket, const Geometry& geometry, std::span<const std::uint16_t> link_types) noexcept {
  Welcome welcome;
  welcome.geometry = geometry;
  welcome.link_type_count = static_cast<std::uint16_t>(std::min(link_types.size(), std::size(welcome.link_types)));
  std::copy_n(link_types.begin(), welcome.link_type_count, welcome.link_types);
  return ::send(socket, &welcome, sizeof welcome, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof welcome;
}

void send_refusal(int socket, std::string_view reason) noexcept {
  Welcome welcome;
  reason.copy(welcome.refusal, sizeof welcome.refusal - 1);
  (void)!::send(socket, &welcome, sizeof welcome, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace ringtail::share
