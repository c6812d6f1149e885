#include "share/wish.hpp"

#include <algorithm>
#include <optional>

namespace ringtail::share {

namespace {

constexpr std::pair<std::string_view, Sharing> modes[] = {{"balance", Sharing::balance},
                                                          {"round-robin", Sharing::round_robin}};
constexpr std::pair<std::string_view, FlowKey> keys[] = {
    {"5-tuple", FlowKey::five_tuple}, {"2-tuple", FlowKey::two_tuple}, {"mac", FlowKey::mac_addresses}};

template <typename Value, std::size_t count>
bool choose(const std::pair<std::string_view, Value> (&known)[count], std::string_view word, Value& target) {
  const auto found =
      std::find_if(std::begin(known), std::end(known), [&](const auto& each) { return each.first == word; });
  if (found != std::end(known)) target = found->second;
  return found != std::end(known);
}

/// What is wrong with `key=value`; nothing when it has been taken over.
std::optional<std::string> obey(std::string_view key, std::string_view value, Wish& wish) {
  const std::string quoted = "'" + std::string(value) + "'";
  if (key == "group") {
    if (value.empty() || value.size() > longest_group_name) {
      return "a group's name has 1 to " + std::to_string(longest_group_name) + " characters";
    }
    wish.group = value;
    if (wish.sharing == Sharing::broadcast) wish.sharing = Sharing::balance;
    return std::nullopt;
  }
  if (key == "mode") {
    if (choose(modes, value, wish.sharing)) return std::nullopt;
    return "mode " + quoted + " is none of balance, round-robin";
  }
  if (key == "hash") {
    if (choose(keys, value, wish.key)) return std::nullopt;
    return "hash " + quoted + " is none of 5-tuple, 2-tuple, mac";
  }
  return "'" + std::string(key) + "' is none of group, mode, hash";
}

}  // namespace

Result<Wish> parse_wish(std::string_view text, const std::string& operation) {
  const std::size_t question = std::min(text.find('?'), text.size());
  Wish wish{.publisher = std::string(text.substr(0, question))};
  text.remove_prefix(std::min(question + 1, text.size()));
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view value = part.substr(std::min(equals + 1, part.size()));
    if (auto fault = obey(part.substr(0, equals), value, wish)) {
      return tl::unexpected(usage_error(operation, std::move(*fault), "write NAME?group=GROUP&mode=MODE&hash=HASH"));
    }
  }
  if (wish.sharing != Sharing::broadcast && wish.group.empty()) {
    return tl::unexpected(usage_error(operation, "packets are shared out within a group", "add group=GROUP"));
  }
  return wish;
}

}  // namespace ringtail::share
