// A flow has one hash: in both directions, and whatever it is wrapped in.
#include "share/flow_hash.hpp"

#include <functional>
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <ringtail/interface.hpp>

namespace ringtail::share {
namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::uint64_t seed = 42;

void append(Bytes& bytes, const Bytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}
void append_two(Bytes& bytes, unsigned value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}

std::uint32_t hash_of(const Bytes& bytes, std::uint16_t link_type = link_type::ethernet,
                      FlowKey key = FlowKey::five_tuple, std::uint64_t with_seed = seed) {
  const Bytes exact(bytes);  // no room behind it: AddressSanitizer sees whoever reads on
  return flow_hash(std::as_bytes(std::span(exact)), link_type, key, with_seed);
}

/// Who speaks with whom. reversed() is the other direction.
struct Talk {
  Bytes from;  ///< 4 or 16 bytes
  Bytes to;
  unsigned port_from = 0;
  unsigned port_to = 0;
  std::uint8_t protocol = 6;

  [[nodiscard]] Talk reversed() const { return {to, from, port_to, port_from, protocol}; }
};

Bytes ports_of(const Talk& talk) {
  Bytes bytes;
  append_two(bytes, talk.port_from);
  append_two(bytes, talk.port_to);
  append(bytes, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  return bytes;
}

Bytes ipv4(const Bytes& from, const Bytes& to, std::uint8_t protocol, const Bytes& content, unsigned fragment = 0,
           unsigned option_words = 0) {
  Bytes bytes = {static_cast<std::uint8_t>(0x45 + option_words), 0};
  append_two(bytes, static_cast<unsigned>(20 + 4 * option_words + content.size()));
  append(bytes, {7, 7});
  append_two(bytes, fragment);
  append(bytes, {64, protocol, 0, 0});
  append(bytes, from);
  append(bytes, to);
  bytes.resize(bytes.size() + std::size_t{4} * option_words, 1);
  append(bytes, content);
  return bytes;
}

Bytes ipv6(const Bytes& from, const Bytes& to, std::uint8_t next, const Bytes& content) {
  Bytes bytes = {0x60, 0, 0, 0};
  append_two(bytes, static_cast<unsigned>(content.size()));
  append(bytes, {next, 64});
  append(bytes, from);
  append(bytes, to);
  append(bytes, content);
  return bytes;
}

Bytes ip(const Talk& talk) {
  return talk.from.size() == 4 ? ipv4(talk.from, talk.to, talk.protocol, ports_of(talk))
                               : ipv6(talk.from, talk.to, talk.protocol, ports_of(talk));
}
unsigned ethertype_of(const Bytes& packet) {
  return packet.at(0) >> 4 == 4 ? 0x0800 : 0x86dd;
}

Bytes ethernet(unsigned type, const Bytes& content, bool forward = true) {
  const Bytes here = {2, 0, 0, 0, 0, 1};
  const Bytes there = {2, 0, 0, 0, 0, 2};
  Bytes bytes = forward ? there : here;
  append(bytes, forward ? here : there);
  append_two(bytes, type);
  append(bytes, content);
  return bytes;
}
Bytes framed(const Bytes& packet, bool forward = true) {
  return ethernet(ethertype_of(packet), packet, forward);
}
Bytes tagged(unsigned tpid, unsigned vlan, unsigned type, const Bytes& content) {
  Bytes rest;
  append_two(rest, vlan);
  append_two(rest, type);
  append(rest, content);
  return ethernet(tpid, rest);
}
Bytes labels(int count, const Bytes& content) {
  Bytes bytes;
  for (int label = 1; label <= count; ++label) append(bytes, {0, 1, static_cast<std::uint8_t>(label == count), 64});
  append(bytes, content);
  return bytes;
}
Bytes gre(unsigned flags, unsigned type, const Bytes& content) {
  Bytes bytes;
  append_two(bytes, flags);
  append_two(bytes, type);
  for (const unsigned bit : {0x8000U, 0x2000U, 0x1000U}) {
    if ((flags & bit) != 0) append(bytes, {9, 9, 9, 9});
  }
  append(bytes, content);
  return bytes;
}
Bytes udp(unsigned from, unsigned to, const Bytes& content) {
  Bytes bytes;
  append_two(bytes, from);
  append_two(bytes, to);
  append_two(bytes, static_cast<unsigned>(8 + content.size()));
  append(bytes, {0, 0});
  append(bytes, content);
  return bytes;
}
Bytes vxlan(const Bytes& frame, const Bytes& flags = {8, 0, 0, 0}) {
  Bytes bytes = flags;
  append(bytes, {0, 0, 77, 0});
  append(bytes, frame);
  return bytes;
}
Bytes gtp(std::uint8_t flags, const Bytes& optional, const Bytes& packet) {
  Bytes bytes = {flags, 255, 0, 0, 0, 0, 0, 5};
  append(bytes, optional);
  append(bytes, packet);
  return bytes;
}

/// A packet within an outer IPv4 or IPv6 one, from one end of a tunnel to the other.
Bytes outer4(std::uint8_t protocol, const Bytes& content, bool forward) {
  const Bytes here = {192, 0, 2, 1};
  const Bytes there = {192, 0, 2, 2};
  return framed(ipv4(forward ? here : there, forward ? there : here, protocol, content), forward);
}
Bytes outer6(std::uint8_t protocol, const Bytes& content, bool forward) {
  Bytes here(16, 1);
  Bytes there(16, 2);
  return framed(ipv6(forward ? here : there, forward ? there : here, protocol, content), forward);
}

struct Wrapping {
  std::string name;
  std::function<Bytes(const Bytes& packet, bool forward)> wrap;
};

std::vector<Wrapping> udp_tunnels() {
  const Bytes session_container = {1, 0x10, 9, 0};  // an extension of 4 bytes, the last one
  return {
      {"VXLAN with a group's policy and the type of what follows",
       [](const Bytes& packet, bool forward) {
         const Bytes words = vxlan(framed(packet), {0x8c, 0, 1, 3});
         return outer4(17, udp(forward ? 50'000 : 51'000, 4789, words), forward);
       }},
      {"VXLAN in VLAN over IPv6",
       [](const Bytes& packet, bool forward) {
         return outer6(17, udp(forward ? 50'000 : 51'000, 8472, vxlan(tagged(0x8100, 5, ethertype_of(packet), packet))),
                       forward);
       }},
      {"GTP-U",
       [](const Bytes& packet, bool forward) { return outer4(17, udp(2152, 2152, gtp(0x30, {}, packet)), forward); }},
      {"GTP-U with a sequence number",
       [](const Bytes& packet, bool forward) {
         return outer4(17, udp(2152, 2152, gtp(0x32, {0, 1, 0, 0}, packet)), forward);
       }},
      {"GTP-U with an extension",
       [session_container](const Bytes& packet, bool forward) {
         Bytes optional = {0, 0, 0, 0x85};
         append(optional, session_container);
         return outer6(17, udp(2152, 2152, gtp(0x34, optional, packet)), forward);
       }},
  };
}

std::vector<Wrapping> other_wrappings() {
  return {
      {"Ethernet", framed},
      {"VLAN", [](const Bytes& packet, bool) { return tagged(0x8100, 7, ethertype_of(packet), packet); }},
      {"QinQ",
       [](const Bytes& packet, bool) {
         Bytes rest = {0, 9};
         append_two(rest, ethertype_of(packet));
         append(rest, packet);
         return tagged(0x88a8, 7, 0x8100, rest);
       }},
      {"MPLS", [](const Bytes& packet, bool forward) { return ethernet(0x8847, labels(3, packet), forward); }},
      {"Ethernet over MPLS",
       [](const Bytes& packet, bool forward) { return ethernet(0x8847, labels(1, framed(packet)), forward); }},
      {"Ethernet over MPLS with a control word",
       [](const Bytes& packet, bool forward) {
         Bytes content = {0, 0, 0, 1};
         append(content, framed(packet));
         return ethernet(0x8847, labels(2, content), forward);
       }},
      {"IP in IP",
       [](const Bytes& packet, bool forward) { return outer4(packet.at(0) >> 4 == 4 ? 4 : 41, packet, forward); }},
      {"IP in IPv6",
       [](const Bytes& packet, bool forward) { return outer6(packet.at(0) >> 4 == 4 ? 4 : 41, packet, forward); }},
      {"IPv6 with options before it",
       [](const Bytes& packet, bool forward) {
         Bytes content = {60, 0, 1, 4, 0, 0, 0, 0};                            // hop by hop, then
         append(content, {51, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});  // destination options, then
         append(content, {static_cast<std::uint8_t>(packet.at(0) >> 4 == 4 ? 4 : 41),
                          4,
                          0,
                          0,
                          0,
                          0,
                          0,
                          1,
                          0,
                          0,
                          0,
                          1,
                          9,
                          9,
                          9,
                          9,
                          9,
                          9,
                          9,
                          9,
                          9,
                          9,
                          9,
                          9});  // an authentication header
         append(content, packet);
         return outer6(0, content, forward);
       }},
      {"GRE",
       [](const Bytes& packet, bool forward) { return outer4(47, gre(0, ethertype_of(packet), packet), forward); }},
      {"GRE with checksum, key and sequence number",
       [](const Bytes& packet, bool forward) {
         return outer6(47, gre(0xb000, ethertype_of(packet), packet), forward);
       }},
      {"Ethernet over GRE",
       [](const Bytes& packet, bool forward) { return outer4(47, gre(0x2000, 0x6558, framed(packet)), forward); }},
      {"MPLS over GRE",
       [](const Bytes& packet, bool forward) { return outer4(47, gre(0, 0x8847, labels(1, packet)), forward); }},
  };
}

std::vector<Wrapping> wrappings() {
  std::vector<Wrapping> all = other_wrappings();
  const std::vector<Wrapping> more = udp_tunnels();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Talk random_talk(std::mt19937& random) {
  const bool is_ipv4 = random() % 2 == 0;
  const auto bytes = [&](std::size_t count) {
    Bytes made(count);
    for (auto& byte : made) byte = static_cast<std::uint8_t>(random());
    return made;
  };
  constexpr std::uint8_t protocols[] = {6, 17, 33, 132, 136};
  const std::size_t length = is_ipv4 ? 4 : 16;
  return {.from = bytes(length),
          .to = bytes(length),
          .port_from = static_cast<unsigned>(random() % 1'000 + 10'000),
          .port_to = static_cast<unsigned>(random() % 1'000 + 20'000),
          .protocol = protocols[random() % std::size(protocols)]};
}

TEST(FlowHash, IsTheSameInBothDirectionsAndWhateverTheFlowIsWrappedIn) {
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 50; ++round) {
    const Talk talk = random_talk(random);
    const std::uint32_t bare = hash_of(ip(talk), link_type::raw_ip);
    EXPECT_EQ(hash_of(ip(talk.reversed()), link_type::raw_ip), bare);
    for (const Wrapping& each : wrappings()) {
      EXPECT_EQ(hash_of(each.wrap(ip(talk), true)), bare) << each.name;
      EXPECT_EQ(hash_of(each.wrap(ip(talk.reversed()), false)), bare) << each.name;
    }
  }
}

TEST(FlowHash, TellsFlowsApart) {
  std::mt19937 random(1);
  std::set<std::uint32_t> hashes;
  for (int round = 0; round < 10'000; ++round) hashes.insert(hash_of(framed(ip(random_talk(random)))));
  EXPECT_GT(hashes.size(), 9'990U);
  Talk talk = random_talk(random);
  const std::uint32_t before = hash_of(framed(ip(talk)));
  EXPECT_NE(hash_of(framed(ip(talk)), link_type::ethernet, FlowKey::five_tuple, seed + 1), before);
  ++talk.port_to;
  EXPECT_NE(hash_of(framed(ip(talk))), before);
}

TEST(FlowHash, FallsEvenlyOnFourMembers) {
  int members[4] = {};
  for (unsigned flow = 0; flow < 10'000; ++flow) {  // neighbours, as real addresses and ports are
    const Talk talk{.from = {10, 0, static_cast<std::uint8_t>(flow >> 8), static_cast<std::uint8_t>(flow)},
                    .to = {10, 1, 0, 1},
                    .port_from = 1'024 + flow,
                    .port_to = 443};
    ++members[hash_of(framed(ip(talk))) >> 30];
  }
  for (const int share : members) EXPECT_NEAR(share, 2'500, 250);
}

TEST(FlowHash, FragmentsStayTogether) {
  constexpr unsigned more = 0x2000;
  const Bytes from = {10, 0, 0, 1};
  const Bytes to = {10, 0, 0, 2};
  const Bytes content(64, 5);
  const std::uint32_t first = hash_of(framed(ipv4(from, to, 17, udp(1'000, 2'000, content), more)));
  EXPECT_EQ(hash_of(framed(ipv4(from, to, 17, content, more | 8))), first);
  EXPECT_EQ(hash_of(framed(ipv4(to, from, 17, content, 16))), first) << "and with those of the other direction";
  EXPECT_EQ(hash_of(framed(ipv4(from, to, 17, vxlan(content), more))), first) << "also of what a tunnel would hide";
  const auto two_tuple = [](const Bytes& frame) { return hash_of(frame, link_type::ethernet, FlowKey::two_tuple); };
  EXPECT_EQ(two_tuple(framed(ipv4(from, to, 17, content, 16))), two_tuple(framed(ipv4(to, from, 17, udp(1, 2, {})))))
      << "with the whole flow";

  const Bytes from6(16, 1);
  const Bytes to6(16, 2);
  Bytes head = {17, 0, 0, 1, 0, 0, 0, 9};
  append(head, udp(1'000, 2'000, content));
  Bytes tail = {17, 0, 0, 8, 0, 0, 0, 9};
  append(tail, content);
  EXPECT_EQ(hash_of(framed(ipv6(from6, to6, 44, head))), hash_of(framed(ipv6(from6, to6, 44, tail))));
}

TEST(FlowHash, OptionsOfIpv4AreSteppedOver) {
  const Talk talk{.from = {10, 0, 0, 1}, .to = {10, 0, 0, 2}, .port_from = 1, .port_to = 2};
  EXPECT_EQ(hash_of(framed(ipv4(talk.from, talk.to, 6, ports_of(talk), 0, 10))), hash_of(framed(ip(talk))));
}

TEST(FlowHash, TheKeySaysWhatCounts) {
  const Talk web{.from = {10, 0, 0, 1}, .to = {10, 0, 0, 2}, .port_from = 1, .port_to = 80};
  const Talk mail{.from = {10, 0, 0, 1}, .to = {10, 0, 0, 2}, .port_from = 1, .port_to = 25};
  const Talk elsewhere{.from = {10, 0, 0, 1}, .to = {10, 0, 0, 3}, .port_from = 1, .port_to = 80};
  const auto with = [](FlowKey key, const Talk& talk) { return hash_of(framed(ip(talk)), link_type::ethernet, key); };
  EXPECT_NE(with(FlowKey::five_tuple, web), with(FlowKey::five_tuple, mail));
  EXPECT_EQ(with(FlowKey::two_tuple, web), with(FlowKey::two_tuple, mail));
  EXPECT_NE(with(FlowKey::two_tuple, web), with(FlowKey::two_tuple, elsewhere));
  EXPECT_EQ(with(FlowKey::mac_addresses, web), with(FlowKey::mac_addresses, elsewhere));
  EXPECT_EQ(with(FlowKey::mac_addresses, web),
            hash_of(framed(ip(web), false), link_type::ethernet, FlowKey::mac_addresses));
}

TEST(FlowHash, WhatIsNotIpGoesByItsEthernetAddresses) {
  EXPECT_EQ(hash_of(ethernet(0x0806, Bytes(28, 1), true)), hash_of(ethernet(0x0806, Bytes(28, 2), false)));
  EXPECT_EQ(hash_of({}), hash_of({1, 2, 3}));
  EXPECT_EQ(hash_of(Bytes(60, 1), link_type::user0), hash_of(Bytes(70, 2), link_type::user0));
}

// In a tunnel the ports are of no use: they differ from one direction to the other.
TEST(FlowHash, WhatIsNotIpInATunnelGoesByTheTunnelsAddresses) {
  const Bytes request = ethernet(0x0806, Bytes(28, 1), true);
  const Bytes reply = ethernet(0x0806, Bytes(28, 2), false);
  EXPECT_EQ(hash_of(outer4(17, udp(50'000, 4789, vxlan(request)), true)),
            hash_of(outer4(17, udp(51'000, 4789, vxlan(reply)), false)));
}

TEST(FlowHash, ReadsNothingBeyondWhatThereIs) {
  const Talk talk{.from = Bytes(16, 3), .to = Bytes(16, 4), .port_from = 1, .port_to = 2};
  for (const Wrapping& each : wrappings()) {
    const Bytes whole = each.wrap(ip(talk), true);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      (void)hash_of(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    }
  }
}

TEST(FlowHash, BearsAnyBytes) {
  const auto random_seed = std::random_device{}();
  SCOPED_TRACE(random_seed);
  std::mt19937 random(random_seed);
  const Talk talk{.from = Bytes(16, 3), .to = Bytes(16, 4), .port_from = 1, .port_to = 2};
  const std::vector<Wrapping> all = wrappings();
  constexpr std::uint16_t link_types[] = {link_type::ethernet, link_type::raw_ip, link_type::linux_sll,
                                          link_type::linux_sll2};
  for (int round = 0; round < 50'000; ++round) {
    Bytes bytes = all[random() % all.size()].wrap(ip(talk), true);
    for (unsigned damage = random() % 8; damage > 0; --damage) {
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    }
    bytes.resize(random() % (bytes.size() + 1));
    (void)hash_of(bytes, link_types[random() % std::size(link_types)]);
  }
  Bytes deep;  // tags without an end
  for (int tag = 0; tag < 100; ++tag) append(deep, {0x81, 0x00, 0, 1});
  (void)hash_of(ethernet(0x8100, deep));
}

}  // namespace
}  // namespace ringtail::share
