// What is said over the control socket: a greeting and its answer. Afterwards the publisher sends single bytes, most of
// which mean "look", and the client nothing at all. Who brings a filter asks first what kinds of links there are:
//
//   client                                publisher
//   Hello, ask            ──────────────> Welcome, link types
//   Hello, attach, filter ──────────────> Welcome, with descriptors
//                         <────────────── 0: look
//                                         1 + place, with a descriptor: sealed memory
//                                         17 + place, 8 bytes of length, with a descriptor: a packet socket's ring
//                                         33 + place: it is gone
//
// The socket is SOCK_STREAM, as a daemon's control socket is, so that both are found under one name: who begins with
// the magic below wants packets, who begins with '{' has a question (control/message.hpp).
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <type_traits>

#include <ringtail/error.hpp>

#include "base/deadline.hpp"
#include "base/file_descriptor.hpp"
#include "share/address.hpp"
#include "share/group.hpp"
#include "share/layout.hpp"
#include "share/packet_filter.hpp"

namespace ringtail::share {

inline constexpr std::uint64_t message_magic = 0x6c69'6174'676e'6972;  // "ringtail", little endian
inline constexpr char first_byte_of_hello = 'r';
static_assert(std::endian::native == std::endian::little && (message_magic & 0xff) == first_byte_of_hello);

enum class Intent : std::uint32_t { attach, ask };

/// Client to publisher, once or twice. What a client writes here is looked at by read_request() and by nobody else.
struct Hello {
  struct Part {
    std::uint16_t link_type;
    std::uint16_t instructions;
  };
  std::uint64_t magic = message_magic;
  std::uint32_t version = layout_version;
  std::uint32_t intent = 0;       ///< Intent
  std::uint32_t sharing = 0;      ///< Sharing
  std::uint32_t key = 0;          ///< FlowKey
  std::uint32_t parts = 0;        ///< of the filter; 0: none
  std::uint32_t takes_rings = 0;  ///< 1: it maps rings of packet sockets, if it is trusted with one
  char group[64] = {};
  char filter_text[256] = {};  ///< for people; may be cut
  Part part[most_filter_programs] = {};
  filter::Instruction code[most_filter_instructions] = {};  ///< of one part after the other
};
static_assert(sizeof(Hello) == 4464 && std::is_trivially_copyable_v<Hello>);

/// A Hello that makes sense.
struct Request {
  Intent intent = Intent::attach;
  Sharing sharing = Sharing::broadcast;
  FlowKey key = FlowKey::five_tuple;
  std::string group{};        ///< empty exactly when everybody gets everything
  std::string filter_text{};  ///< for people
  PacketFilter filter{};
  bool takes_rings = false;
};
[[nodiscard]] Hello to_hello(const Request& request) noexcept;
/// Error: why the greeting is none. Whatever its bytes are, the filter that comes out of it can be run.
[[nodiscard]] Result<Request> read_request(const Hello& hello);

/// Publisher to client, once, with the descriptors of packets, lent and returned; or with none and the reason.
struct Welcome {
  std::uint64_t magic = message_magic;
  std::uint32_t version = layout_version;
  Geometry geometry{};
  std::uint16_t link_type_count = 0;
  std::uint16_t link_types[most_filter_programs] = {};  ///< of the interfaces there are so far
  std::uint16_t is_final = 0;                           ///< 1: the same greeting would be refused again
  std::uint16_t reserved[2] = {};
  char refusal[88] = {};  ///< empty: welcome
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

/// A descriptor that is readable once the process that connected has ended, whoever has inherited its end of `socket`
/// (pidfd_open(2)). Not open: it cannot be had.
[[nodiscard]] base::FileDescriptor process_of_peer(int socket) noexcept;

/// Client: greets the publisher behind `socket` and waits for the answer, until `deadline`. A refusal, or anything that
/// is no answer, is an error; EPERM is the number of a refusal that will not change. With Intent::ask there are no
/// descriptors in it.
[[nodiscard]] Result<Greeting> greet(int socket, const Request& request, const std::string& operation,
                                     const base::Deadline& deadline = base::Deadline::after(usual_patience));

enum class HelloStatus { nothing_yet, right, wrong_version, nonsense };

/// Publisher: reads the greeting once all of it is there; never waits. Nonsense is also somebody who has hung up.
[[nodiscard]] HelloStatus read_hello(int socket, Hello& hello) noexcept;

/// Publisher: answers. Never waits; false when the client does not take it.
bool send_welcome(int socket, const Geometry& geometry, const SharedDescriptors& descriptors) noexcept;
/// The answer to Intent::ask.
bool send_link_types(int socket, const Geometry& geometry, std::span<const std::uint16_t> link_types) noexcept;
void send_refusal(int socket, std::string_view reason, bool is_final = false) noexcept;

/// Publisher, behind the greeting. None of them waits.
void send_bell(int socket) noexcept;
/// Hands over the memory that announcements will speak of; false when the client does not take it.
[[nodiscard]] bool send_memory(int socket, std::uint32_t place, int descriptor) noexcept;
/// The same with the ring of a packet socket, of so many bytes.
[[nodiscard]] bool send_ring(int socket, std::uint32_t place, int descriptor, std::uint64_t bytes) noexcept;
/// Nothing lies there any more that the client may read.
void send_memory_gone(int socket, std::uint32_t place) noexcept;

/// What a publisher says behind the greeting.
struct News {
  enum class Kind { nothing_yet, bell, memory, ring, memory_gone, hung_up, nonsense };
  Kind kind = Kind::nothing_yet;
  std::uint32_t place = 0;       ///< < memory_places
  std::uint64_t ring_bytes = 0;  ///< of a ring
  base::FileDescriptor descriptor{};
};
/// Client: the next word. Never waits.
[[nodiscard]] News read_news(int socket) noexcept;

}  // namespace ringtail::share
