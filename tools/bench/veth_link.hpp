// A private link: two virtual interfaces in a network namespace that only this process and its children see. All of it
// goes when the last of them does, however that ends.
#pragma once

#include <cstdint>
#include <string>

#include <ringtail/error.hpp>

namespace ringtail::bench {

class VethLink {
 public:
  /// Moves this process into namespaces of its own (network and mounts) and makes the link there, with an MTU for all
  /// traffic there is, without IPv6, so that nothing but our frames is on it. Needs root and iproute2. Once per
  /// process, before there are threads.
  [[nodiscard]] static Result<VethLink> create();

  [[nodiscard]] const std::string& sender() const noexcept { return sender_; }
  [[nodiscard]] const std::string& receiver() const noexcept { return receiver_; }
  [[nodiscard]] std::uint32_t receiver_index() const noexcept { return receiver_index_; }

  /// Frames that have come out at the receiving end so far, whoever listens: /proc/net/dev.
  [[nodiscard]] std::uint64_t received_frames() const;

  /// Whether a packet socket is bound to the receiving end and running: /proc/net/packet.
  [[nodiscard]] bool has_listener() const;

 private:
  VethLink() = default;
  std::string sender_ = "tx0";
  std::string receiver_ = "rx0";
  std::uint32_t receiver_index_ = 0;
};

}  // namespace ringtail::bench
