// Of frames a short way is taken where it leads to the same as the long one; of bare IP packets never.
#include "share/flow.hpp"

#include <gtest/gtest.h>
#include <random>
#include <tuple>
#include <vector>

#include <ringtail/interface.hpp>

namespace ringtail::share {
namespace {

using Bytes = std::vector<std::uint8_t>;

class Packets {
 public:
  /// Nearly all of IPv4 that could be taken for a plain packet: options, fragments, tunnels, cut ones.
  Bytes next() {
    Bytes bytes = {one_of({0x45, 0x45, 0x47}), 0, 0, 0, 0, 0, one_of({0, 0, 0, 0x20, 0x40}), one_of({0, 0, 0, 9})};
    const auto protocol = one_of({6, 17, 17, 47, 4, 132, 1});
    bytes.insert(bytes.end(), {64, protocol, 0, 0, 10, 0, any(), 1, 10, 1, any(), 2});
    const std::size_t content_at = std::size_t{bytes[0]} % 16 * 4;
    bytes.resize(content_at + 4 + random_() % 60);
    for (std::size_t at = 20; at < bytes.size(); ++at) bytes[at] = one_of({0x08, 0x08, 0x45, any()});
    constexpr unsigned ports[] = {53, 443, 2152, 4789, 8472};
    const unsigned port = ports[random_() % std::size(ports)];
    bytes[content_at + 2] = static_cast<std::uint8_t>(port >> 8);
    bytes[content_at + 3] = static_cast<std::uint8_t>(port);
    if (random_() % 8 == 0) bytes.resize(20 + random_() % (bytes.size() - 20));
    return bytes;
  }

 private:
  std::uint8_t any() { return static_cast<std::uint8_t>(random_()); }
  std::uint8_t one_of(std::initializer_list<std::uint8_t> values) { return values.begin()[random_() % values.size()]; }

  std::mt19937 random_{7};
};

auto parts_of(const Flow& flow) {
  return std::tuple(flow.source.low, flow.source.high, flow.source.port, flow.destination.low, flow.destination.high,
                    flow.destination.port, flow.protocol);
}

TEST(Flow, IsTheSameWithAndWithoutALinkLayer) {
  Packets packets;
  int with_ports = 0;
  for (int round = 0; round < 20'000; ++round) {
    const Bytes packet = packets.next();
    Bytes frame(12, 0);
    frame.insert(frame.end(), {0x08, 0x00});
    frame.insert(frame.end(), packet.begin(), packet.end());
    for (const FlowKey key : {FlowKey::five_tuple, FlowKey::two_tuple}) {
      const Flow flow = flow_of(std::as_bytes(std::span(packet)), link_type::raw_ip, key);
      ASSERT_EQ(parts_of(flow_of(std::as_bytes(std::span(frame)), link_type::ethernet, key)), parts_of(flow))
          << "round " << round;
      with_ports += flow.source.port != 0 ? 1 : 0;
    }
  }
  EXPECT_GT(with_ports, 5'000);
}

}  // namespace
}  // namespace ringtail::share
