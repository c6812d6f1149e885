#include "link_history.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace ringtail::daemon {

namespace {

bool has(const tpacket::LinkNews& news, std::uint32_t index) {
  return std::ranges::any_of(news.changes, [index](const auto& change) { return change.link.index == index; });
}

bool works(const tpacket::Link& link) {
  return link.is_up() && link.is_running();
}

}  // namespace

std::vector<LinkEvent> LinkHistory::take(const tpacket::LinkNews& news, Clock::time_point now) {
  std::vector<LinkEvent> events;
  for (const auto& [link, is_gone] : news.changes) {
    if (is_gone) {
      forget(link.index, events);
    } else if (const auto known = links_.find(link.index); known != links_.end()) {
      compare(known->second, link, now, events);
    } else {
      links_[link.index] = {.name = link.name, .mtu = link.mtu, .works = works(link), .stopped_at = now};
      if (knows_any_) {
        events.push_back({LinkEvent::Kind::appeared, link.index, link.name, link.name + " has appeared"});
      }
    }
  }
  if (news.is_complete) {
    std::vector<std::uint32_t> gone;
    for (const auto& [index, known] : links_) {
      if (!has(news, index)) gone.push_back(index);
    }
    for (const std::uint32_t index : gone) forget(index, events);
    knows_any_ = true;
  }
  return events;
}

void LinkHistory::forget(std::uint32_t index, std::vector<LinkEvent>& events) {
  const auto known = links_.find(index);
  if (known == links_.end()) return;
  const std::string& name = known->second.name;
  events.push_back({LinkEvent::Kind::gone, index, name, name + " is gone"});
  links_.erase(known);
}

void LinkHistory::compare(Known& known, const tpacket::Link& link, Clock::time_point now,
                          std::vector<LinkEvent>& events) const {
  const auto tell = [&](LinkEvent::Kind kind, std::string text) {
    events.push_back({kind, link.index, link.name, std::move(text)});
  };
  if (known.name != link.name) {
    tell(LinkEvent::Kind::appeared, fmt::format("{} is called {} from now on", known.name, link.name));
  }
  if (known.mtu != link.mtu) {
    tell(LinkEvent::Kind::changed, fmt::format("the MTU of {} is {}, it was {}", link.name, link.mtu, known.mtu));
  }
  if (known.works && !works(link)) {
    known.stopped_at = now;
    tell(LinkEvent::Kind::stopped, link.name + (link.is_up() ? " has no carrier" : " is down"));
  } else if (!known.works && works(link)) {
    const std::chrono::duration<double> gap = now - known.stopped_at;
    tell(LinkEvent::Kind::resumed, fmt::format("gap of {:.3f} s on {}: it was down", gap.count(), link.name));
  }
  known.name = link.name;
  known.mtu = link.mtu;
  known.works = works(link);
}

}  // namespace ringtail::daemon
