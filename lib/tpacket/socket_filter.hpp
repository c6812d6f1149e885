// The classic BPF program that the kernel runs for a packet socket: direction first, then the user's filter.
#pragma once

#include <cstdint>
#include <linux/filter.h>
#include <optional>
#include <span>
#include <vector>

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>

namespace ringtail::tpacket {

using Instructions = std::vector<sock_filter>;

/// What the direction check has to look at.
struct DirectionCheck {
  Direction direction = Direction::inout;
  /// On loopback every packet passes twice, once each way; the outgoing copy is left out, as libpcap does. One
  /// interface: 0 when it is loopback, none when it is not. "any": the index of the loopback interface.
  std::optional<std::uint32_t> loopback_index;
  bool any = false;
};

/// Refuses everything: what a socket runs while it is being set up.
[[nodiscard]] Instructions drop_all();

/// The whole program. `user_filter` is empty (everything passes) or accepts by returning anything but 0; it ends up
/// returning `captured_limit`, which is how the kernel enforces the snaplen. Error: more than 4096 instructions.
[[nodiscard]] Result<Instructions> build_filter(std::span<const sock_filter> user_filter, const DirectionCheck& check,
                                                std::uint32_t captured_limit);

}  // namespace ringtail::tpacket
