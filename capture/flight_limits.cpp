#include "flight_limits.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace ringtail::daemon {

namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t fewest_blocks = 4;
constexpr milliseconds longest_retire_timeout{10'000};

std::uint32_t ring_blocks(const CaptureSettings& capture) {
  return static_cast<std::uint32_t>(capture.open.buffer_bytes / capture.threads / capture.open.block_bytes);
}

/// A quarter of the ring stays empty, for bursts that come while the worker is kept from running. The kernel writes
/// into its blocks in turn, and so does history give them back: what is held longest is what the kernel comes to next.
///
/// And some more, so that the kernel finds the block free that is a quarter of the ring ahead. It looks there first; if
/// that one is held it looks at the present one, without a lock, takes the ring for full while another processor closes
/// it, and drops packets (tpacket_rcv() and __packet_rcv_has_room(), net/packet/af_packet.c).
std::uint32_t most_held_blocks(std::uint32_t blocks) {
  return std::max(1U, blocks - blocks / 4 - std::max(2U, blocks / 16));
}

}  // namespace

std::optional<std::string> fit_ring_to_flight(CaptureSettings& capture) {
  const std::uint32_t blocks = ring_blocks(capture);
  if (blocks < fewest_blocks) {
    return fmt::format(
        "the ring has {} blocks, and {} are the fewest: choose a larger buffer_mib or smaller block_bytes", blocks,
        fewest_blocks);
  }
  const auto age = std::chrono::ceil<milliseconds>(capture.flight->age);
  const milliseconds per_block{(age.count() + most_held_blocks(blocks) - 1) / most_held_blocks(blocks)};
  if (per_block > longest_retire_timeout) {
    return fmt::format(
        "the ring is too small for {:.1f} s on a slow link: with {} blocks to hold, each would last {} ms, and {} are "
        "the most; choose a larger buffer_mib or smaller block_bytes",
        std::chrono::duration<double>(capture.flight->age).count(), most_held_blocks(blocks), per_block.count(),
        longest_retire_timeout.count());
  }
  OpenOptions& open = capture.open;
  open.retire_timeout = std::max(open.retire_timeout, per_block);
  // A source has four batches a block (tpacket::RingReader): with the usual 256 packets, blocks of small packets would
  // use up all batches long before all blocks.
  open.batch_packets = static_cast<std::uint32_t>(std::clamp<std::size_t>(open.block_bytes / 512, 256, 65536));
  return std::nullopt;
}

FlightLimits flight_limits(const CaptureSettings& capture) {
  const std::uint32_t blocks = ring_blocks(capture);
  FlightLimits limits;
  limits.age = capture.flight->age;
  if (capture.flight->bytes) limits.bytes = *capture.flight->bytes / (capture.threads * capture.devices.size());
  limits.blocks = most_held_blocks(blocks);
  limits.batches = 3 * blocks;  // of four times as many
  limits.retire_timeout = capture.open.retire_timeout;
  return limits;
}

}  // namespace ringtail::daemon
