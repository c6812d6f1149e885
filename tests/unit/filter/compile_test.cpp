#include "filter/compile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include <ringtail/interface.hpp>

#include "unit/filter/frames.hpp"

namespace ringtail::filter {
namespace {

using testing::HasSubstr;
using namespace test;  // the hand-made frames

struct Judgement {
  const char* filter;
  bool matches;
};

class Judged {
 public:
  Judged(std::uint16_t link_type, Bytes frame) : link_type_(link_type), frame_(std::move(frame)) {}

  void expect(std::initializer_list<Judgement> judgements) const {
    for (const auto& [text, matches] : judgements) {
      const auto program = compile(text, link_type_, CompileFor::here);
      ASSERT_TRUE(program) << program.error().message();
      EXPECT_EQ(program->matches(std::as_bytes(std::span(frame_)), static_cast<std::uint32_t>(frame_.size())), matches)
          << text;
    }
  }

 private:
  std::uint16_t link_type_;
  Bytes frame_;
};

TEST(CompileForHere, JudgesIpv4) {
  Judged(link_type::ethernet, ethernet({}, ethertype_ipv4, web_over_ipv4()))
      .expect({{"ip", true},
               {"ip6", false},
               {"tcp", true},
               {"tcp port 80", true},
               {"udp port 80", false},
               {"src port 80", false},
               {"host 10.0.0.1", true},
               {"net 10.0.0.0/24 and not host 10.0.0.3", true},
               {"dst host 10.0.0.1", false},
               {"ether src 02:00:00:00:00:0a", true},
               {"ether[0] & 1 != 0", false},
               {"len < 60", true},
               {"greater 1000", false},
               {"vlan", false}});
}

TEST(CompileForHere, JudgesIpv6) {
  Judged(link_type::ethernet, ethernet({}, ethertype_ipv6, web_over_ipv6()))
      .expect({{"ip6", true}, {"ip", false}, {"tcp port 80", true}, {"host 2001:db8::2", true}, {"icmp6", false}});
}

TEST(CompileForHere, FindsTagsInTheBytes) {
  Judged(link_type::ethernet, ethernet({{0x8100, 0xa005}}, ethertype_ipv4, web_over_ipv4()))
      .expect({{"vlan", true}, {"vlan 5", true}, {"vlan 6", false}, {"vlan and tcp port 80", true}, {"tcp", false}});
  Judged(link_type::ethernet, ethernet({{0x88a8, 7}, {0x8100, 5}}, ethertype_ipv6, web_over_ipv6()))
      .expect({{"vlan 7", true}, {"vlan 7 and vlan 5 and tcp port 80", true}, {"vlan 5", false}});
}

TEST(CompileForHere, JudgesFragments) {
  const Bytes later = ipv4(protocol_tcp, ports(40000, 80), 0x2000 | 185);  // these are no ports: the middle of a packet
  Judged(link_type::ethernet, ethernet({}, ethertype_ipv4, later))
      .expect({{"tcp", true}, {"tcp port 80", false}, {"ip[6:2] & 0x1fff != 0", true}});
  const Bytes first = ipv4(protocol_tcp, ports(40000, 80), 0x2000);
  Judged(link_type::ethernet, ethernet({}, ethertype_ipv4, first)).expect({{"tcp port 80", true}});
}

TEST(CompileForHere, JudgesPacketsWithoutALinkHeader) {
  Judged(link_type::raw_ip, web_over_ipv4()).expect({{"tcp port 80", true}, {"ip6", false}});
  Judged(link_type::raw_ip, web_over_ipv6()).expect({{"tcp port 80", true}, {"ip", false}});
}

TEST(CompileForHere, NeverMatchesOnBytesThatWereNotCaptured) {
  const Bytes frame = ethernet({}, ethertype_ipv4, web_over_ipv4());
  const auto program = compile("tcp dst port 80", link_type::ethernet, CompileFor::here);
  ASSERT_TRUE(program);
  for (std::size_t captured = 0; captured <= frame.size(); ++captured) {
    const Bytes cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(captured));  // ASan watches its end
    EXPECT_EQ(program->matches(std::as_bytes(std::span(cut)), 54), captured >= 38) << captured;
  }
}

TEST(CompileForHere, LengthIsTheOneOnTheWire) {
  const auto program = compile("greater 1000", link_type::ethernet, CompileFor::here);
  ASSERT_TRUE(program);
  EXPECT_TRUE(program->matches({}, 1000));
  EXPECT_FALSE(program->matches({}, 999));
}

TEST(CompileForHere, RefusesWhatOnlyTheKernelKnows) {
  for (const char* text : {"inbound", "tcp and outbound", "ifindex 3"}) {
    const auto program = compile(text, link_type::ethernet, CompileFor::here);
    ASSERT_FALSE(program) << text;
    EXPECT_THAT(program.error().message(), HasSubstr("only the kernel knows"));
    EXPECT_TRUE(compile(text, link_type::ethernet, CompileFor::kernel)) << text;
  }
  EXPECT_TRUE(compile("inbound", link_type::linux_sll, CompileFor::here)) << "there it stands in the header";
}

TEST(Compile, EmptyTextAcceptsEverything) {
  for (const char* text : {"", " ", " \t\n"}) {
    const auto program = compile(text, link_type::ethernet, CompileFor::here);
    ASSERT_TRUE(program);
    EXPECT_TRUE(program->matches({}, 0)) << '\'' << text << '\'';
    EXPECT_EQ(compile_for_any(text)->instructions().size(), 1U);
  }
}

TEST(Compile, AcceptedPacketsAreCutToTheSnaplen) {
  auto program = compile("tcp or udp", link_type::ethernet, CompileFor::kernel, 96);
  ASSERT_TRUE(program);
  EXPECT_THAT(disassemble(*program), HasSubstr("ret      #96\n"));
  program->set_snaplen(128);
  EXPECT_THAT(disassemble(*program), HasSubstr("ret      #128\n"));
  EXPECT_THAT(disassemble(*program), HasSubstr("ret      #0\n")) << "refused packets stay refused";
}

TEST(Compile, BroadcastUsesTheNetmaskOfTheDevice) {
  const auto program = compile("ip broadcast", link_type::ethernet, CompileFor::kernel);
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().message(), HasSubstr("netmask not known"));
  const auto on_loopback = compile("ip broadcast", link_type::ethernet, CompileFor::kernel, default_snaplen, "lo");
  EXPECT_TRUE(on_loopback) << on_loopback.error().message();
}

std::string hosts(int count) {
  std::string text = "host 2001:db8::";
  for (int host = 1; host < count; ++host) text += std::to_string(host) + " or host 2001:db8::";
  return text + "ffff";
}

TEST(Compile, RefusesMoreInstructionsThanTheKernelTakes) {
  const auto program = compile(hosts(300), link_type::ethernet, CompileFor::kernel);
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().reason, HasSubstr("instructions"));
  EXPECT_THAT(program.error().remedy, HasSubstr("4096"));
}

TEST(CompileForAny, CountsBothProgramsTogether) {
  const std::string text = hosts(200);
  ASSERT_TRUE(compile(text, link_type::ethernet, CompileFor::kernel));
  ASSERT_TRUE(compile(text, link_type::raw_ip, CompileFor::kernel));
  const auto program = compile_for_any(text);
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().remedy, HasSubstr("4096"));
  EXPECT_TRUE(compile_for_any(hosts(100)));
}

TEST(CompileForAny, FailsOnlyWhenTheTextMakesNoSenseAnywhere) {
  EXPECT_TRUE(compile_for_any("ether host 02:00:00:00:00:0a")) << "raw IP packets have no such address";
  EXPECT_TRUE(compile_for_any("arp"));
  EXPECT_FALSE(compile_for_any("ip and arp"));
  EXPECT_FALSE(compile_for_any("type mgt"));
  EXPECT_FALSE(compile_for_any("tcp prot 80"));
}

TEST(Compile, RefusesHostileTexts) {
  const auto refused = [](const std::string& text, const char* why) {
    const auto program = compile(text, link_type::ethernet, CompileFor::here);
    ASSERT_FALSE(program);
    EXPECT_THAT(program.error().reason, HasSubstr(why));
    EXPECT_LT(program.error().message().size(), 600U);
    EXPECT_EQ(program.error().message().find('\n'), std::string::npos);
  };
  refused(std::string(max_text_bytes + 1, 'a'), "bytes long");
  refused(std::string("tcp\0udp", 7), "zero byte");
  refused(std::string(max_text_bytes, '('), "memory exhausted");  // the parser's stack has an end
  refused(std::string(5000, '('), "it ends too early");
  refused("host " + std::string(500, 'x'), "unknown host");
  refused("tcp\n\n\x1b[31m or prot", "syntax error at column 6");
  refused("\xff\xfe", "syntax error at column 1");
}

TEST(Compile, UnknownLinkTypeIsAnError) {
  EXPECT_FALSE(compile("tcp", 65000, CompileFor::here));
}

TEST(Program, AcceptAllAndDropAll) {
  EXPECT_TRUE(Program::accept_all().matches({}, 0));
  EXPECT_FALSE(Program::drop_all().matches({}, 0));
}

}  // namespace
}  // namespace ringtail::filter
