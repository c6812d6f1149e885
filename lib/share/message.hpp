// What is said over the control socket: a greeting and its answer. Afterwards the publisher sends single bytes that
// mean "look", and the client nothing at all.
//
// The socket is SOCK_STREAM, as a daemon's control socket is, so that both are found under one name: who begins with
// the magic below wants packets, who begins with '{' has a question (control/message.hpp).
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <type_traits>

#include <ringtail/error.hpp>

#include "base/file_descriptor.hpp"
#include "share/layout.hpp"

namespace ringtail::share {

inline constexpr std::uint64_t message_magic = 0x6c69'6174'676e'6972;  // "ringtail", little endian
inline constexpr char first_byte_of_hello = 'r';
static_assert(std::endian::native == std::endian::little && (message_magic & 0xff) == first_byte_of_hello);

/// Client to publisher, once.
struct Hello {
  std::uint64_t magic = message_magic;
  std::uint32_t version = layout_version;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(Hello) == 16);

/// Publisher to client, once, with the descriptors of packets, lent and returned; or with none and the reason.
struct Welcome {
  std::uint64_t magic = message_magic;
  std::uint32_t version = layout_version;
  Geometry geometry{};
  char refusal[104] = {};  ///< empty: welcome
};
static_assert(sizeof(Welcome) == 128 && std::is_trivially_copyable_v<Welcome>);

using SharedDescriptors = std::array<int, 3>;  ///< packets, lent, returned

struct Greeting {
  Welcome welcome;
  std::array<base::FileDescriptor, 3> descriptors;
};

/// Who is at the other end, as the kernel knows it (unix(7), SO_PEERCRED).
struct PeerCredentials {
  uid_t user = 0;
  gid_t group = 0;
  pid_t process = 0;
};

[[nodiscard]] std::optional<PeerCredentials> credentials_of_peer(int socket) noexcept;

/// Client: greets the publisher behind `socket` and waits for the answer, a few seconds at most. A refusal, or anything
/// that is no answer, is an error.
[[nodiscard]] Result<Greeting> greet(int socket, const std::string& operation);

enum class HelloStatus { nothing_yet, right, wrong_version, nonsense };

/// Publisher: reads the greeting once all of it is there; never waits. Nonsense is also somebody who has hung up.
[[nodiscard]] HelloStatus read_hello(int socket) noexcept;

/// Publisher: answers. Never waits; false when the client does not take it.
bool send_welcome(int socket, const Geometry& geometry, const SharedDescriptors& descriptors) noexcept;
void send_refusal(int socket, std::string_view reason) noexcept;

}  // namespace ringtail::share
