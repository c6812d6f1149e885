#include "devices.hpp"

#include <gmock/gmock.h>

namespace ringtail::tools {
namespace {

using testing::ElementsAre;

DeviceDescription device(const char* name, bool up, bool running, bool loopback = false) {
  DeviceDescription description;
  description.interface.name = name;
  description.up = up;
  description.running = running;
  description.loopback = loopback;
  return description;
}

std::vector<std::string> names_in_order(std::vector<DeviceDescription> devices) {
  std::vector<std::string> names;
  for (const DeviceDescription& each : in_dumpcap_order(std::move(devices))) names.push_back(each.interface.name);
  return names;
}

TEST(DumpcapOrder, RunningFirstThenAnyThenLoopbackThenTheRest) {
  EXPECT_THAT(names_in_order({device("lo", true, true, true), device("ifb0", false, false), device("eth0", true, true),
                              device("eth7", true, false)}),
              ElementsAre("eth0", "any", "lo", "eth7", "ifb0"));
}

TEST(DumpcapOrder, GoesByTheNumberAtTheEndOfANameElseByTheKernel) {
  EXPECT_THAT(names_in_order({device("eth10", true, true), device("eth2", true, true), device("wlan2", true, true)}),
              ElementsAre("eth2", "wlan2", "eth10", "any"));
}

TEST(KernelDevice, IsOneWithoutAScheme) {
  EXPECT_TRUE(is_kernel_device("eth0"));
  EXPECT_TRUE(is_kernel_device("any"));
  EXPECT_TRUE(is_kernel_device("eth0:1"));
  EXPECT_FALSE(is_kernel_device("dpdk:net_null0"));
  EXPECT_FALSE(is_kernel_device("file:/tmp/x"));
  EXPECT_FALSE(is_kernel_device("ringtail:eth0"));
}

TEST(ResolveDevice, LeavesNamesAlone) {
  EXPECT_EQ(resolve_device("eth0").value(), "eth0");
  EXPECT_EQ(resolve_device("file:12").value(), "file:12");
}

}  // namespace
}  // namespace ringtail::tools
