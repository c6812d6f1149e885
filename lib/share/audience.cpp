#include "share/audience.hpp"

#include <algorithm>
#include <utility>

namespace ringtail::share {

std::optional<std::string> Audience::join(std::uint32_t client, PacketFilter filter, std::string_view group_name,
                                          Sharing sharing, FlowKey key) {
  if (sharing == Sharing::broadcast) {
    if (filter.accepts_all()) {
      unfiltered_ |= set_of(client);
    } else {
      part_of(std::move(filter)).everybody |= set_of(client);
    }
    return std::nullopt;
  }
  for (Part& part : parts_) {
    for (Group& group : part.groups) {
      if (group.name() != group_name) continue;
      if (!group.is_like(sharing, key) || part.filter != filter) {
        return "the group '" + std::string(group_name) + "' has another mode, hash or filter";
      }
      group.join(client);
      return std::nullopt;
    }
  }
  part_of(std::move(filter)).groups.emplace_back(std::string(group_name), sharing, key).join(client);
  return std::nullopt;
}

Audience::Part& Audience::part_of(PacketFilter filter) {
  const auto found =
      std::find_if(parts_.begin(), parts_.end(), [&](const Part& part) { return part.filter == filter; });
  if (found != parts_.end()) return *found;
  return parts_.emplace_back(Part{.filter = std::move(filter), .everybody = 0, .groups = {}});
}

void Audience::leave(std::uint32_t client) {
  unfiltered_ &= ~set_of(client);
  for (Part& part : parts_) {
    part.everybody &= ~set_of(client);
    for (Group& group : part.groups) {
      const auto& members = group.members();
      if (std::find(members.begin(), members.end(), client) != members.end()) group.leave(client);
    }
    std::erase_if(part.groups, [](const Group& group) { return group.members().empty(); });
  }
  std::erase_if(parts_, [](const Part& part) { return part.everybody == 0 && part.groups.empty(); });
}

ClientSet Audience::choose(std::span<const std::byte> bytes, std::uint32_t wire_length, std::uint16_t link_type,
                           ClientSet takers) noexcept {
  ClientSet chosen = 0;
  for (Part& part : parts_) {
    if (!part.filter.matches(bytes, wire_length, link_type)) continue;
    chosen |= part.everybody;
    for (Group& group : part.groups) chosen |= set_of(group.pick(bytes, link_type, takers, seed_));
  }
  return chosen;
}

}  // namespace ringtail::share
