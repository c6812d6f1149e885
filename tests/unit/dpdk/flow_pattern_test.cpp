#include "dpdk/flow_pattern.hpp"

#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <random>

#include <ringtail/interface.hpp>

#include "filter/compile.hpp"

namespace ringtail::dpdk {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> described(std::string_view filter) {
  std::vector<std::string> descriptions;
  for (const FlowPattern& pattern : flow_patterns(filter)) descriptions.push_back(describe(pattern));
  return descriptions;
}

TEST(FlowPatterns, ConjunctionsOfProtocolsAndAddresses) {
  EXPECT_THAT(described("ip"), ElementsAre("IPv4"));
  EXPECT_THAT(described("tcp"), ElementsAre("IPv4 TCP", "IPv6"));
  EXPECT_THAT(described("ip and udp"), ElementsAre("IPv4 UDP"));
  EXPECT_THAT(described("icmp"), ElementsAre("IPv4 ICMP"));
  EXPECT_THAT(described("tcp port 443"), ElementsAre("IPv4 TCP", "IPv6"));
  EXPECT_THAT(described("udp dst port 53 and host 10.0.0.1"),
              ElementsAre("IPv4 UDP from 10.0.0.1", "IPv4 UDP to 10.0.0.1"));
  EXPECT_THAT(described("ip src host 10.0.0.1 && dst net 192.168.0.0/16"),
              ElementsAre("IPv4 from 10.0.0.1 to 192.168.0.0/255.255.0.0"));
}

TEST(FlowPatterns, WhatIsNotCertainIsLeftToTheFilter) {
  for (const char* filter : {"",
                             "host 10.0.0.1",
                             "port 80",
                             "tcp or udp",
                             "not tcp",
                             "tcp and",
                             "tcp tcp",
                             "tcp and udp",
                             "vlan and tcp",
                             "tcp port http",
                             "tcp port 70000",
                             "ip host ::1",
                             "ip host example.net",
                             "ip net 10.0.0.0",
                             "ip6",
                             "(tcp)",
                             "ip host 10.0.0.1 and host 10.0.0.2",
                             "ip host 10.0.0.1 and src host 10.0.0.2",
                             "tcp[13] = 2",
                             "ip proto 6"}) {
    EXPECT_THAT(flow_patterns(filter), IsEmpty()) << filter;
  }
}

// A device that goes by the patterns.
bool lets_through(const std::vector<FlowPattern>& patterns, const std::vector<std::uint8_t>& frame) {
  const auto word = [&frame](std::size_t at) {
    std::uint32_t value = 0;
    std::memcpy(&value, frame.data() + at, sizeof value);
    return ntohl(value);
  };
  const bool ipv4 = frame[12] == 0x08 && frame[13] == 0x00;
  const bool ipv6 = frame[12] == 0x86 && frame[13] == 0xdd;
  for (const FlowPattern& pattern : patterns) {
    if (pattern.ipv6 && ipv6) return true;
    if (pattern.ipv6 || !ipv4) continue;
    if (pattern.protocol != 0 && pattern.protocol != frame[23]) continue;
    if (((word(26) ^ pattern.source) & pattern.source_mask) != 0) continue;
    if (((word(30) ^ pattern.destination) & pattern.destination_mask) == 0) return true;
  }
  return false;
}

// Frames of few values, so that filters match some of them: IPv4, IPv6, ARP and tagged ones, fragments among them.
std::vector<std::uint8_t> random_frame(std::mt19937& random) {
  const auto pick = [&random](std::initializer_list<int> values) {
    return static_cast<std::uint8_t>(values.begin()[random() % values.size()]);
  };
  std::vector<std::uint8_t> frame(80);
  for (std::uint8_t& byte : frame) byte = pick({0, 1, 10, 80});
  const std::uint8_t types[][2] = {{0x08, 0x00}, {0x86, 0xdd}, {0x08, 0x06}, {0x81, 0x00}};
  std::memcpy(frame.data() + 12, types[random() % 4], 2);
  frame[14] = frame[12] == 0x08 ? 0x45 : 0x60;
  frame[20] = pick({0, 0, 0x20, 0x40});  // fragments
  frame[21] = pick({0, 0, 3});
  frame[frame[12] == 0x08 ? 23 : 20] = pick({IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_FRAGMENT});
  for (const std::size_t at : {26U, 30U}) {
    const std::uint8_t address[4] = {10, 0, 0, pick({1, 2})};
    std::memcpy(frame.data() + at, address, sizeof address);
  }
  frame[34] = frame[36] = 0;
  frame[35] = pick({53, 80});
  frame[37] = pick({53, 80});
  return frame;
}

TEST(FlowPatterns, NoFrameThatTheFilterWantsIsHeldBack) {
  std::mt19937 random(4);
  std::uint64_t wanted = 0;
  std::uint64_t held_back = 0;
  for (const char* filter : {"ip", "tcp", "udp port 53", "tcp src port 80", "icmp", "ip host 10.0.0.1",
                             "tcp and host 10.0.0.2 and port 80", "ip and udp and src net 10.0.0.0/31",
                             "udp and src host 10.0.0.1 and dst host 10.0.0.2", "icmp and dst host 10.0.0.1"}) {
    const auto patterns = flow_patterns(filter);
    ASSERT_FALSE(patterns.empty()) << filter;
    const auto program = filter::compile(filter, link_type::ethernet, filter::CompileFor::here).value();
    for (int round = 0; round < 5'000; ++round) {
      const auto frame = random_frame(random);
      const bool through = lets_through(patterns, frame);
      const bool match = program.matches(std::as_bytes(std::span(frame)), static_cast<std::uint32_t>(frame.size()));
      ASSERT_TRUE(through || !match) << filter;
      wanted += match ? 1U : 0U;
      held_back += through ? 0U : 1U;
    }
  }
  EXPECT_GT(wanted, 2'000U);
  EXPECT_GT(held_back, 2'000U);
}

}  // namespace
}  // namespace ringtail::dpdk
