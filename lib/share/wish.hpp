// What a client asks for, as its device text says it:
//
//   ringtail:uplink                                         everything
//   ringtail:uplink?group=ids                               a share of the flows, among all who say group=ids
//   ringtail:uplink?group=ids&hash=2-tuple                  flows by addresses alone: fragments stay with them
//   ringtail:uplink?group=workers&mode=round-robin          every packet to the next one
#pragma once

#include <string>
#include <string_view>

#include <ringtail/error.hpp>

#include "share/group.hpp"

namespace ringtail::share {

inline constexpr std::size_t longest_group_name = 63;

struct Wish {
  std::string publisher{};  ///< its name
  std::string group{};      ///< empty: none
  Sharing sharing = Sharing::broadcast;
  FlowKey key = FlowKey::five_tuple;
};

/// `text` is what follows "ringtail:". `operation` is for errors.
[[nodiscard]] Result<Wish> parse_wish(std::string_view text, const std::string& operation);

}  // namespace ringtail::share
