// Which flow a packet belongs to, as a number: the same for both directions, and for the flow inside a tunnel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "share/flow.hpp"

namespace ringtail::share {

/// As flow_of(), which says what makes a flow. Another `seed` gives other numbers: who sends packets cannot choose
/// where they go.
[[nodiscard]] std::uint32_t flow_hash(std::span<const std::byte> bytes, std::uint16_t link_type, FlowKey key,
                                      std::uint64_t seed) noexcept;

}  // namespace ringtail::share
