#include <gtest/gtest.h>

#include <ringtail/interface.hpp>

#include "filter/compile.hpp"
#include "filter/words.hpp"

namespace ringtail::filter {
namespace {

struct Case {
  const char* text;
  const char* reason;
};

class FaultPosition : public testing::TestWithParam<Case> {};

TEST_P(FaultPosition, IsInTheReason) {
  const auto& [text, reason] = GetParam();
  const auto program = compile(text, link_type::ethernet, CompileFor::here);
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().operation, std::string("compile filter '") + text + "'");
  EXPECT_EQ(program.error().reason, reason);
}

INSTANTIATE_TEST_SUITE_P(SyntaxErrors, FaultPosition,
                         testing::Values(Case{"tcp prot 80", "syntax error at column 5, near 'prot'"},
                                         Case{"and", "syntax error at column 1, near 'and'"},
                                         Case{"tcp port 80)", "syntax error at column 12, near ')'"},
                                         Case{"tcp && || udp", "syntax error at column 8, near '||'"},
                                         Case{"(tcp or udp) and (port port 53)",
                                              "syntax error at column 24, near 'port'"},
                                         Case{"tcp and @@", "syntax error at column 9, near '@'"},
                                         Case{"tcp[13]=2 or tcp[[13]=2", "syntax error at column 18, near '['"},
                                         Case{"   udp   udp", "syntax error at column 10, near 'udp'"}));

INSTANTIATE_TEST_SUITE_P(EarlyEnds, FaultPosition,
                         testing::Values(Case{"tcp and", "it ends too early, after 'and'"},
                                         Case{"(tcp or udp", "it ends too early, after 'udp'"},
                                         Case{"host", "it ends too early, after 'host'"},
                                         Case{"ip[0", "it ends too early, after '0'"}));

INSTANTIATE_TEST_SUITE_P(
    WrongMeaning, FaultPosition,
    testing::Values(Case{"udp or port nosuchport and tcp", "unknown port 'nosuchport' at column 13"},
                    Case{"host 999.1.1.1", "invalid IPv4 address '999.1.1.1' at column 6"},
                    Case{"tcp port 99999", "illegal port number 99999 > 65535 at column 10"},
                    Case{"tcp proto foo or udp", "unknown protocol: foo at column 11"},
                    Case{"net 1.2.3.4/8 or tcp", "non-network bits set in \"1.2.3.4/8\" at column 5"},
                    Case{"ether host 1.2.3.4 and ip", "illegal link layer address at column 12, near '1.2.3.4'"},
                    Case{"tcp or vlan 5000", "VLAN tag 5000 greater than maximum 4095 at column 13"},
                    Case{"mpls and vlan", "no VLAN match after MPLS at column 10, near 'vlan'"},
                    Case{"ip and arp", "expression rejects all packets"}));

TEST(Words, AreFoundWhole) {
  EXPECT_TRUE(has_word("tcp and(vlan)", "vlan"));
  EXPECT_TRUE(has_word("!vlan&&tcp", "vlan"));
  EXPECT_FALSE(has_word("host vlan.example or host my-vlan", "vlan"));
  EXPECT_FALSE(has_word("", "vlan"));
}

}  // namespace
}  // namespace ringtail::filter
