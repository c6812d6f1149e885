// Filters from strangers: what is taken over ends, whatever packet it meets.
#include "filter/foreign_program.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <random>
#include <vector>

#include <ringtail/interface.hpp>

#include "filter/compile.hpp"

namespace ringtail::filter {
namespace {

constexpr Instruction accept = {BPF_RET | BPF_K, 0, 0, 1};

bool is_taken(const std::vector<Instruction>& instructions) {
  return adopt_foreign(instructions).has_value();
}

TEST(ForeignProgram, TakesWhatTheCompilerMakes) {
  for (const char* text : {"", "udp port 53", "tcp[tcpflags] & tcp-syn != 0", "vlan and ip6 and greater 100",
                           "ip[2:2] - ((ip[0]&0xf)<<2) > 8", "host 10.0.0.1 or net 192.0.2.0/24"}) {
    const Program program = compile(text, link_type::ethernet, CompileFor::here).value();
    const auto taken = adopt_foreign(program.instructions());
    ASSERT_TRUE(taken.has_value()) << text << ": " << taken.error().message();
    EXPECT_TRUE(std::equal(program.instructions().begin(), program.instructions().end(), taken->instructions().begin(),
                           taken->instructions().end()));
  }
}

TEST(ForeignProgram, RefusesWhatMayNotEnd) {
  EXPECT_FALSE(is_taken({}));
  EXPECT_FALSE(is_taken({{BPF_LD | BPF_IMM, 0, 0, 1}}));
  EXPECT_FALSE(is_taken({{BPF_JMP | BPF_JA, 0, 0, 0xffffffff}, accept})) << "libpcap would let it run for ever";
  EXPECT_FALSE(is_taken({{BPF_JMP | BPF_JA, 0, 0, 1}, accept}));
  EXPECT_FALSE(is_taken({{BPF_JMP | BPF_JEQ, 1, 0, 0}, accept}));
  EXPECT_FALSE(is_taken(std::vector<Instruction>(max_instructions + 1, accept)));
  EXPECT_TRUE(is_taken({{BPF_JMP | BPF_JA, 0, 0, 0}, accept}));
}

TEST(ForeignProgram, RefusesWhatHasNoMeaning) {
  EXPECT_FALSE(is_taken({{0xffff, 0, 0, 0}, accept}));
  EXPECT_FALSE(is_taken({{BPF_ALU | BPF_RSH | BPF_K, 0, 0, 32}, accept}));
  EXPECT_FALSE(is_taken({{BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0}, accept}));
  EXPECT_FALSE(is_taken({{BPF_ST, 0, 0, BPF_MEMWORDS}, accept}));
  EXPECT_FALSE(is_taken({{BPF_LD | BPF_B | BPF_ABS, 0, 0, ancillary_offset}, accept}));
}

TEST(ForeignProgram, RefusesToLoadWhatWasNotStoredOnEveryWay) {
  const Instruction load = {BPF_LD | BPF_MEM, 0, 0, 3};
  const Instruction store = {BPF_ST, 0, 0, 3};
  EXPECT_FALSE(is_taken({load, accept}));
  EXPECT_TRUE(is_taken({store, load, accept}));
  EXPECT_FALSE(is_taken({{BPF_JMP | BPF_JEQ, 1, 0, 5}, store, load, accept})) << "one way leads around it";
  EXPECT_TRUE(is_taken({{BPF_JMP | BPF_JEQ, 0, 0, 5}, store, load, accept}));
}

TEST(ForeignProgram, WhateverIsTakenEnds) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const Program base =
      compile("udp port 53 or tcp[tcpflags] & tcp-syn != 0", link_type::ethernet, CompileFor::here).value();
  const std::vector<std::byte> packet(60, std::byte{7});
  int taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<Instruction> damaged(base.instructions().begin(), base.instructions().end());
    for (unsigned count = random() % 4; count > 0; --count) {
      auto& victim = damaged[random() % damaged.size()];
      reinterpret_cast<std::uint8_t*>(&victim)[random() % sizeof victim] = static_cast<std::uint8_t>(random());
    }
    const auto program = adopt_foreign(damaged);
    if (!program) continue;
    ++taken;
    (void)program->matches(packet, 60);
  }
  EXPECT_GT(taken, 1'000);
}

}  // namespace
}  // namespace ringtail::filter
