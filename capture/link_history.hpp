// Turns what the kernel says about interfaces into what is worth telling about them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tpacket/link_watch.hpp"

namespace ringtail::daemon {

struct LinkEvent {
  enum class Kind : std::uint8_t {
    appeared,  ///< new, back, or here under this name from now on
    gone,
    stopped,  ///< down, or without a carrier
    resumed,
    changed,  ///< of another MTU
  };
  Kind kind = Kind::appeared;
  std::uint32_t index = 0;
  std::string name{};  ///< as it is called now
  std::string text{};  ///< for people
};

/// Knows how every interface was, for as long as there is one. Threads: one at a time.
class LinkHistory {
 public:
  using Clock = std::chrono::steady_clock;

  /// What the news mean; nothing for interfaces that were there before anything was told.
  [[nodiscard]] std::vector<LinkEvent> take(const tpacket::LinkNews& news, Clock::time_point now);

 private:
  struct Known {
    std::string name;
    std::uint32_t mtu = 0;
    bool works = false;  ///< up, and with a carrier
    Clock::time_point stopped_at{};
  };

  void compare(Known& known, const tpacket::Link& link, Clock::time_point now, std::vector<LinkEvent>& events) const;
  void forget(std::uint32_t index, std::vector<LinkEvent>& events);

  std::map<std::uint32_t, Known> links_;
  bool knows_any_ = false;
};

}  // namespace ringtail::daemon
