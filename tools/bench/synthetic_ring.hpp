// A ring between two of our processes: one plays the kernel and fills it, the other is measured while it empties it.
//
//   parent                             child, measured
//   RingImage --memcpy--> block  ----> RingReader -> way under test -> file
//        ^      status = user            |
//        +------- status = kernel -------+
//
// The memory is a real AF_PACKET ring where we may have one: pages from the kernel's allocator, mapped as any packet
// socket maps them. The socket is bound to an interface that hears nothing and refuses everything, so the kernel itself
// never writes there. Filling is the parent's work and in no figure of the child.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <ringtail/error.hpp>

#include "base/deadline.hpp"
#include "base/mapping.hpp"
#include "bench/child_process.hpp"
#include "bench/ring_image.hpp"
#include "tpacket/geometry.hpp"
#include "tpacket/packet_socket.hpp"

namespace ringtail::bench {

/// How much a way did, by its own books; written by the child at its end, read by the parent after that.
struct WayBooks {
  std::uint64_t packets = 0;
  std::uint64_t user_copied_bytes = 0;  ///< by the CPU, from user memory to user memory, framing included
  char detail[96] = {};                 ///< what it settled on, where it had a choice
};

/// What the two processes share besides the ring's memory.
struct RingControl {
  std::atomic<std::uint32_t> filled_blocks{0};  ///< modulo 2^32; the child sleeps on it (futex)
  std::atomic<std::uint32_t> finished{0};       ///< nothing more will come
  std::atomic<std::uint64_t> consumed{0};       ///< packets, by a way that does not read the ring
  WayBooks books;
  char failure[256] = {};  ///< why the child gave up
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

class SyntheticRing {
 public:
  static constexpr std::uint32_t block_bytes = 1U << 20;  // the library's default

  [[nodiscard]] static Result<SyntheticRing> create(std::uint32_t ring_mib);

  [[nodiscard]] std::span<std::byte> memory() const noexcept { return memory_; }
  [[nodiscard]] const tpacket::Geometry& geometry() const noexcept { return geometry_; }
  [[nodiscard]] RingControl& control() const noexcept { return *reinterpret_cast<RingControl*>(shared_.data()); }
  /// "AF_PACKET ring", or what it is instead and why.
  [[nodiscard]] const std::string& kind() const noexcept { return kind_; }

  /// Plays the kernel: fills `blocks` blocks in order, each as soon as it has been given back, and then says that this
  /// was all. Ends early when the child ends. Parent.
  void feed(const RingImage& image, std::uint64_t blocks, const ChildProcess& child);

  /// Sleeps until a block is filled, `finished` is set, or the time is over. `filled_before` is what filled_blocks was
  /// when the ring was last looked at. Child.
  void wait(std::uint32_t filled_before, std::chrono::nanoseconds timeout) const noexcept;

 private:
  [[nodiscard]] bool wait_for_free(std::byte* block, const ChildProcess& child) const noexcept;
  void wake_child() const noexcept;

  tpacket::Geometry geometry_;
  std::optional<tpacket::PacketSocket> socket_;  // owns the memory, or
  base::Mapping own_memory_;                     // this does
  base::Mapping shared_;                         // RingControl
  std::span<std::byte> memory_;
  std::string kind_;
};

}  // namespace ringtail::bench
