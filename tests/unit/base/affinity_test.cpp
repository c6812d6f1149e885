#include "base/affinity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <thread>

namespace ringtail::base {
namespace {

using testing::ElementsAre;

TEST(Affinity, TheNodeOfADeviceStandsWhereItsBusKeepsIt) {
  EXPECT_EQ(numa_node_file("eth0"), "/sys/class/net/eth0/device/numa_node");
  const std::string pci = "/sys/bus/pci/devices/0000:03:00.0/numa_node";
  EXPECT_EQ(numa_node_file("dpdk:0000:03:00.0"), pci);
  EXPECT_EQ(numa_node_file("dpdk:03:00.0,mprq_en=1"), pci);
  EXPECT_EQ(numa_node_file("dpdk:rules:0000:03:00.0"), pci);
  EXPECT_EQ(device_numa_node("dpdk:net_null0"), -1);
}

TEST(CpuList, ReadsNumbersAndRanges) {
  EXPECT_THAT(parse_cpu_list("3").value(), ElementsAre(3));
  EXPECT_THAT(parse_cpu_list("0,2-4,7").value(), ElementsAre(0, 2, 3, 4, 7));
}

TEST(CpuList, RefusesWhatIsNoList) {
  for (const char* text : {"", ",", "1,", "a", "3-1", "-1", "1-", "99999", "1 2"}) {
    EXPECT_FALSE(parse_cpu_list(text).has_value()) << text;
  }
}

TEST(Pinning, ThreadRunsWhereItWasPinned) {
  const int cpu = cpus_of_node(-1).back();
  int seen = -1;
  std::thread([&] {
    ASSERT_TRUE(pin_this_thread(cpu).has_value());
    seen = sched_getcpu();
  }).join();
  EXPECT_EQ(seen, cpu);
}

TEST(MemoryNodeScope, IsHarmlessWithAnyNode) {
  for (const int node : {-2, -1, 0, 5000}) {
    const MemoryNodeScope scope(node);
    EXPECT_FALSE(cpus_of_node(node).empty());
  }
}

}  // namespace
}  // namespace ringtail::base
