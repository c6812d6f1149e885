// Rules in a device that takes them all: net_failsafe, which passes them on to the devices below it, has none here.
// DPDK reads and copies every pattern and action on the way.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_flow.h>

#include "dpdk/eal.hpp"
#include "dpdk_fixture.hpp"

namespace ringtail::dpdk {
namespace {

using testing::HasSubstr;

int last_isolated = -1;  // what a device was last told

constexpr const char* device = "net_failsafe0,exec(true)";  // a command that names the device below, and names none

class FlowRulesTest : public testing::Test {
 protected:
  void SetUp() override {
    last_isolated = -1;
    ASSERT_TRUE(start_eal(options_.dpdk, options_.buffer_bytes));
    if (rte_dev_probe(device) != 0) GTEST_SKIP() << "DPDK's net_failsafe is not installed";
    ASSERT_EQ(rte_eth_dev_get_port_by_name("net_failsafe0", &port_), 0);
    rte_eth_dev_info info = {};
    ASSERT_EQ(rte_eth_dev_info_get(port_, &info), 0);
    device_ = info.device;
  }
  void TearDown() override {
    if (device_ == nullptr) return;
    rte_eth_dev_close(port_);
    rte_dev_remove(device_);
  }

  [[nodiscard]] static OpenOptions filtering_options() {
    OpenOptions options = small_options();
    options.filter = "tcp and host 10.0.0.1";
    return options;
  }

  OpenOptions options_ = small_options();
  std::uint16_t port_ = 0;
  rte_device* device_ = nullptr;
};

TEST_F(FlowRulesTest, AreCountedAndDescribed) {
  for (const std::uint16_t queues : {std::uint16_t{1}, std::uint16_t{2}}) {
    OpenOptions options = filtering_options();
    options.dpdk.queues = queues;
    Source source = open_source("dpdk:rules:net_failsafe0", options);
    EXPECT_EQ(counters_of(source)["flow_rules"], 2U);
    EXPECT_THAT(source.interface(0).description,
                HasSubstr("lets through: IPv4 TCP from 10.0.0.1, IPv4 TCP to 10.0.0.1"));
    EXPECT_EQ(source.receive(0s).status, ReceiveStatus::timeout);
  }
}

TEST_F(FlowRulesTest, GoWithTheSource) {
  for (int warm_up = 0; warm_up < 2; ++warm_up) open_source("dpdk:rules:net_failsafe0", filtering_options()).stop();
  const std::size_t baseline_bytes = heap_bytes();
  for (int round = 0; round < 20; ++round) open_source("dpdk:rules:net_failsafe0", filtering_options()).stop();
  EXPECT_EQ(heap_bytes(), baseline_bytes);
}

TEST_F(FlowRulesTest, LeaveNoIsolatedModeToWhoeverOpensThePortNext) {
  {
    const Source source = open_source("dpdk:rules:net_failsafe0", filtering_options());
    EXPECT_EQ(last_isolated, 1);
  }
  EXPECT_EQ(last_isolated, 0);
  EXPECT_EQ(open_error("dpdk:net_failsafe0"), "");
}

TEST_F(FlowRulesTest, LeaveNoIsolatedModeBehindAFailedOpen) {
  OpenOptions options = filtering_options();
  options.buffer_bytes = std::size_t{1} << 20;
  EXPECT_THAT(open_error("dpdk:rules:net_failsafe0", options), HasSubstr("MiB hold"));
  EXPECT_EQ(last_isolated, 0);
}

}  // namespace
}  // namespace ringtail::dpdk

// Stands in front of DPDK's own, which nothing else tells of.
extern "C" int rte_flow_isolate(std::uint16_t port, int set, rte_flow_error* error) {
  static const auto next = reinterpret_cast<decltype(&rte_flow_isolate)>(::dlsym(RTLD_NEXT, "rte_flow_isolate"));
  const int status = next(port, set, error);
  if (status == 0) ringtail::dpdk::last_isolated = set;
  return status;
}
