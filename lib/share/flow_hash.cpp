#include "share/flow_hash.hpp"

namespace ringtail::share {

namespace {

/// Stirs a word in; each of its bits may change the highest bits of the result.
constexpr std::uint64_t stir(std::uint64_t hash, std::uint64_t word) noexcept {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15;  // 2^64 / golden ratio
  return hash ^ hash >> 32;
}

std::uint64_t hash_of(const End& end, bool with_port, std::uint64_t seed) noexcept {
  if (with_port) seed += end.port * 0xc2b2ae3d27d4eb4f;  // any odd number without a pattern; another than stir()'s
  const std::uint64_t hash = stir(seed, end.low);
  return end.high == 0 ? hash : stir(hash, end.high);
}

}  // namespace

// The sum of both ends is the same in both directions, and needs no branch that a processor would have to guess.
std::uint32_t flow_hash(std::span<const std::byte> bytes, std::uint16_t link_type, FlowKey key,
                        std::uint64_t seed) noexcept {
  const Flow flow = flow_of(bytes, link_type, key);
  const bool all_counts = key == FlowKey::five_tuple;
  const std::uint64_t ends = hash_of(flow.source, all_counts, seed) + hash_of(flow.destination, all_counts, seed);
  return static_cast<std::uint32_t>(stir(ends, all_counts ? flow.protocol : 0) >> 32);
}

}  // namespace ringtail::share
