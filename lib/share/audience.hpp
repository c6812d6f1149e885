// Who gets which packets: everybody everything, or what a filter lets through, or a share of that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "share/group.hpp"
#include "share/packet_filter.hpp"

namespace ringtail::share {

/// Sets of clients: a bit for each number (LoanBook::most_clients).
using ClientSet = std::uint64_t;
[[nodiscard]] constexpr ClientSet set_of(std::uint32_t client) noexcept {
  return ClientSet{1} << client;
}

/// A filter is evaluated once for a packet, however many clients have it; a flow is hashed once for each group.
///
/// Pure memory, one thread. choose() allocates nothing.
class Audience {
 public:
  /// `seed`: which flow falls to whom (flow_hash.hpp).
  explicit Audience(std::uint64_t seed) : seed_(seed) {}

  /// Nothing: `client` is one of the audience. Else why it cannot be.
  [[nodiscard]] std::optional<std::string> join(std::uint32_t client, PacketFilter filter, std::string_view group,
                                                Sharing sharing, FlowKey key);
  void leave(std::uint32_t client);

  /// Those who get every packet; choose() does not name them.
  [[nodiscard]] ClientSet unfiltered() const noexcept { return unfiltered_; }
  /// Whether there is anybody else.
  [[nodiscard]] bool is_choosy() const noexcept { return !parts_.empty(); }

  /// Those who get this packet, of the others. `takers` have room for it.
  [[nodiscard]] ClientSet choose(std::span<const std::byte> bytes, std::uint32_t wire_length, std::uint16_t link_type,
                                 ClientSet takers) noexcept;

 private:
  struct Part {  ///< those who have the same filter
    PacketFilter filter;
    ClientSet everybody = 0;
    std::vector<Group> groups;
  };

  [[nodiscard]] Part& part_of(PacketFilter filter);

  std::uint64_t seed_;
  ClientSet unfiltered_ = 0;
  std::vector<Part> parts_;
};

}  // namespace ringtail::share
