// Clients that share the packets of a capture: each packet goes to one of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "share/flow_hash.hpp"

namespace ringtail::share {

/// How packets are shared out.
enum class Sharing : std::uint32_t {
  broadcast,    ///< everybody gets them all: no group
  balance,      ///< by flow, both directions to the same client
  round_robin,  ///< in turn, to whoever has room
};

/// Flows fall into buckets by their hash, and buckets belong to members. Whoever comes takes its share of buckets from
/// those who have most; the buckets of whoever goes are dealt out to those who have least. All other flows stay where
/// they are.
///
/// Pure memory, one thread. Members are the numbers of clients, 0 to 63.
class Group {
 public:
  static constexpr std::uint32_t bucket_count = 1024;

  Group(std::string name, Sharing sharing, FlowKey key) : name_(std::move(name)), sharing_(sharing), key_(key) {}

  void join(std::uint32_t member);
  void leave(std::uint32_t member);

  /// Whose packet it is. There is a member. `takers`: a bit for each client that has room. Round robin passes over
  /// those that have none; a flow waits for nobody, but does not change hands either.
  [[nodiscard]] std::uint32_t pick(std::span<const std::byte> bytes, std::uint16_t link_type, std::uint64_t takers,
                                   std::uint64_t seed) noexcept;

  [[nodiscard]] bool is_like(Sharing sharing, FlowKey key) const noexcept {
    return sharing_ == sharing && (key_ == key || sharing == Sharing::round_robin);
  }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::vector<std::uint32_t>& members() const noexcept { return members_; }
  /// For tests: the buckets that belong to a member.
  [[nodiscard]] std::uint32_t buckets_of(std::uint32_t member) const noexcept;

 private:
  std::string name_;
  Sharing sharing_;
  FlowKey key_;
  std::vector<std::uint32_t> members_;
  std::array<std::uint8_t, bucket_count> owner_{};
  std::size_t turn_ = 0;
};

}  // namespace ringtail::share
