#include "tpacket/socket_filter.hpp"

#include <gtest/gtest.h>
#include <linux/if_packet.h>

namespace ringtail::tpacket {
namespace {

// Runs the few instructions our prologue and the programs below are made of, with the ancillary data given.
std::uint32_t run(const Instructions& program, std::uint32_t packet_type, std::uint32_t interface_index) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& instruction = program[at];
    if (instruction.code == (BPF_RET | BPF_K)) return instruction.k;
    if (instruction.code == (BPF_LD | BPF_W | BPF_ABS)) {
      accumulator =
          instruction.k == static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE) ? packet_type : interface_index;
    } else {
      at += accumulator == instruction.k ? instruction.jt : instruction.jf;
    }
  }
  ADD_FAILURE() << "ran off the end";
  return 0;
}

constexpr std::uint32_t limit = 1500;

Instructions build(const DirectionCheck& check) {
  return build_filter({}, check, limit).value();
}

TEST(SocketFilter, DirectionDecidesWhatPasses) {
  const Instructions both = build({});
  const Instructions in = build({.direction = Direction::in, .loopback_index = {}});
  const Instructions out = build({.direction = Direction::out, .loopback_index = {}});
  EXPECT_EQ(run(both, PACKET_OUTGOING, 2), limit);
  EXPECT_EQ(run(both, PACKET_HOST, 2), limit);
  EXPECT_EQ(run(in, PACKET_OUTGOING, 2), 0U);
  EXPECT_EQ(run(in, PACKET_MULTICAST, 2), limit);
  EXPECT_EQ(run(out, PACKET_OUTGOING, 2), limit);
  EXPECT_EQ(run(out, PACKET_HOST, 2), 0U);
}

TEST(SocketFilter, LoopbackPacketsAreSeenOnce) {
  const Instructions loopback = build({.loopback_index = 0});
  EXPECT_EQ(run(loopback, PACKET_OUTGOING, 1), 0U);
  EXPECT_EQ(run(loopback, PACKET_HOST, 1), limit);
  const Instructions any = build({.loopback_index = 1, .any = true});
  EXPECT_EQ(run(any, PACKET_OUTGOING, 1), 0U);
  EXPECT_EQ(run(any, PACKET_HOST, 1), limit);
  EXPECT_EQ(run(any, PACKET_OUTGOING, 2), limit);
}

TEST(SocketFilter, AcceptingReturnsBecomeTheCapturedLimit) {
  const sock_filter user[] = {
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 7}, {BPF_RET | BPF_K, 0, 0, 262144}, {BPF_RET | BPF_K, 0, 0, 0}};
  const Instructions program = build_filter(user, {}, limit).value();
  ASSERT_EQ(program.size(), 3U);
  EXPECT_EQ(program[1].k, limit);
  EXPECT_EQ(program[2].k, 0U);
}

TEST(SocketFilter, RefusesMoreInstructionsThanTheKernelTakes) {
  const Instructions user(5000, {BPF_RET | BPF_K, 0, 0, 1});
  const auto program = build_filter(user, {}, limit);
  ASSERT_FALSE(program.has_value());
  EXPECT_NE(program.error().message().find("4096"), std::string::npos);
}

}  // namespace
}  // namespace ringtail::tpacket
