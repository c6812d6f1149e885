#include "dpdk/device_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtail::dpdk {
namespace {

TEST(DeviceText, VirtualDevicesKeepTheirArguments) {
  const auto device = parse_device_text("net_memif0,role=client,socket=/run/m.sock");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->name, "net_memif0");
  EXPECT_EQ(device->arguments, "net_memif0,role=client,socket=/run/m.sock");
  EXPECT_FALSE(device->is_pci);
}

TEST(DeviceText, PciAddressesMayLeaveOutTheirDomain) {
  const auto device = parse_device_text("03:00.1,mprq_en=1");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->name, "0000:03:00.1");
  EXPECT_EQ(device->arguments, "0000:03:00.1,mprq_en=1");
  EXPECT_TRUE(device->is_pci);
}

TEST(DeviceText, FlowRulesAreAskedForInFront) {
  EXPECT_FALSE(parse_device_text("03:00.1")->flow_rules);
  const auto device = parse_device_text("rules:03:00.1,mprq_en=1");
  ASSERT_TRUE(device);
  EXPECT_TRUE(device->flow_rules);
  EXPECT_EQ(device->arguments, "0000:03:00.1,mprq_en=1");
}

TEST(DeviceText, AnythingElseIsAUsageError) {
  for (const char* text : {"", ",role=client", "03:00.8", "../etc/passwd", "eth 0", "0net"}) {
    const auto device = parse_device_text(text);
    ASSERT_FALSE(device) << text;
    EXPECT_TRUE(device.error().bad_usage) << text;
    EXPECT_THAT(device.error().message(), testing::HasSubstr("dpdk-devbind.py")) << text;
  }
}

}  // namespace
}  // namespace ringtail::dpdk
