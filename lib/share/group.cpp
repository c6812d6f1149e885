#include "share/group.hpp"

#include <algorithm>

namespace ringtail::share {

std::uint32_t Group::buckets_of(std::uint32_t member) const noexcept {
  return static_cast<std::uint32_t>(std::count(owner_.begin(), owner_.end(), member));
}

void Group::join(std::uint32_t member) {
  const auto joining = static_cast<std::uint8_t>(member);
  members_.push_back(member);
  if (members_.size() == 1) return owner_.fill(joining);
  std::array<std::uint32_t, 256> buckets{};
  for (const std::uint8_t owner : owner_) ++buckets[owner];
  const auto share = static_cast<std::uint32_t>(bucket_count / members_.size());
  for (std::size_t bucket = 0; buckets[member] < share; bucket = (bucket + 1) % bucket_count) {
    const std::uint32_t richest = *std::max_element(buckets.begin(), buckets.end());
    std::uint8_t& owner = owner_[bucket];
    if (owner == joining || buckets[owner] != richest) continue;
    --buckets[owner];
    ++buckets[member];
    owner = joining;
  }
}

void Group::leave(std::uint32_t member) {
  std::erase(members_, member);
  turn_ = 0;
  if (members_.empty()) return;
  std::array<std::uint32_t, 256> buckets{};
  for (const std::uint8_t owner : owner_) ++buckets[owner];
  for (std::uint8_t& owner : owner_) {
    if (owner != member) continue;
    const auto poorest =
        std::min_element(members_.begin(), members_.end(),
                         [&](std::uint32_t one, std::uint32_t other) { return buckets[one] < buckets[other]; });
    owner = static_cast<std::uint8_t>(*poorest);
    ++buckets[*poorest];
  }
}

std::uint32_t Group::pick(std::span<const std::byte> bytes, std::uint16_t link_type, std::uint64_t takers,
                          std::uint64_t seed) noexcept {
  if (sharing_ == Sharing::balance) {
    constexpr unsigned bucket_bits = 10;  // the highest ones: they are stirred best
    static_assert(1U << bucket_bits == bucket_count);
    return owner_[flow_hash(bytes, link_type, key_, seed) >> (32 - bucket_bits)];
  }
  for (std::size_t tried = 0; tried < members_.size(); ++tried) {
    turn_ = turn_ + 1 < members_.size() ? turn_ + 1 : 0;
    if ((takers >> members_[turn_] & 1) != 0) break;
  }
  return members_[turn_];
}

}  // namespace ringtail::share
