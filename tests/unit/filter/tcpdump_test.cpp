// tcpdump runs the same compiler: what it prints with -dd and -d is what we must have.
#include <array>
#include <cstdio>
#include <gtest/gtest.h>
#include <memory>
#include <string>

#include <ringtail/interface.hpp>

#include "filter/compile.hpp"

namespace ringtail::filter {
namespace {

struct PipeCloser {
  void operator()(std::FILE* pipe) const noexcept { pclose(pipe); }
};

std::string output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, PipeCloser> pipe(popen(command.c_str(), "r"));
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t bytes = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    output.append(buffer.data(), bytes);
  }
  return output;
}

std::string tcpdump(const char* form, const char* link_type_name, const std::string& text) {
  return output_of(std::string("tcpdump ") + form + " -y " + link_type_name + " '" + text + "' 2>/dev/null");
}

std::string as_c_code(const Program& program) {
  std::string text;
  for (const Instruction& each : program.instructions()) {
    std::array<char, 80> line{};
    std::snprintf(line.data(), line.size(), "{ 0x%x, %u, %u, 0x%08x },\n", each.code, each.jt, each.jf, each.k);
    text += line.data();
  }
  return text;
}

class AgainstTcpdump : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (tcpdump("-dd", "EN10MB", "ip").empty()) GTEST_SKIP() << "there is no tcpdump here";
  }
};

TEST_P(AgainstTcpdump, HasTheSameInstructions) {
  const std::pair<const char*, std::uint16_t> kinds[] = {
      {"EN10MB", link_type::ethernet}, {"RAW", link_type::raw_ip}, {"LINUX_SLL2", link_type::linux_sll2}};
  for (const auto& [name, kind] : kinds) {
    const auto program = compile(GetParam(), kind, CompileFor::kernel);
    ASSERT_TRUE(program) << program.error().message();
    EXPECT_EQ(as_c_code(*program), tcpdump("-dd", name, GetParam())) << name;
    EXPECT_EQ(disassemble(*program), tcpdump("-d", name, GetParam())) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Filters, AgainstTcpdump,
    testing::Values("ip", "tcp port 443", "host 10.0.0.1 and not port 22", "udp portrange 5000-6000",
                    "ip[0] & 0xf != 5", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "net 2001:db8::/32 or icmp6",
                    "less 100 or greater 1000", "ip6 protochain 6",
                    "(src net 10.0.0.0/8 or dst net 192.168.0.0/16) and (tcp or udp) and inbound"));

}  // namespace
}  // namespace ringtail::filter
