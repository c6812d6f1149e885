// What cannot be opened, and what is said then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dpdk/backend.hpp"
#include "dpdk_fixture.hpp"

namespace ringtail::dpdk {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Faults, UnknownDevicesAreNamed) {
  EXPECT_THAT(open_error("dpdk:net_nonsense0"), AllOf(HasSubstr("open dpdk:net_nonsense0"), HasSubstr("driver")));
  EXPECT_THAT(open_error("dpdk:ffff:1f:1f.7"), AllOf(HasSubstr("ffff:1f:1f.7"), HasSubstr("dpdk-devbind.py")));
}

TEST(Faults, ADeviceThatIsNoPortIsGivenBack) {
  const std::string first = open_error("dpdk:crypto_null0");
  if (first.find("no driver") != std::string::npos) GTEST_SKIP() << "DPDK's crypto_null is not installed";
  EXPECT_THAT(first, HasSubstr("no Ethernet port"));
  EXPECT_EQ(open_error("dpdk:crypto_null0"), first) << "it can be attached again";
}

TEST(Faults, WrongDriverArgumentsComeWithTheDriversWords) {
  EXPECT_THAT(open_error("dpdk:net_memif0,role=nobody"), HasSubstr("Unknown role: nobody"));
  EXPECT_THAT(open_error("dpdk:net_af_packet0,iface=rt-none"), HasSubstr("net_af_packet0"));
  EXPECT_THAT(open_error("dpdk:net_pcap0,rx_pcap=/nonexistent.pcap"), HasSubstr("/nonexistent.pcap"));
}

TEST(Faults, QueuesTheDeviceDoesNotHave) {
  OpenOptions options = small_options();
  options.dpdk.queues = 50;
  options.buffer_bytes = std::size_t{64} << 20;
  EXPECT_THAT(open_error("dpdk:net_pcap0,iface=lo", options), HasSubstr("50 receive queues are wanted"));
  options.dpdk.queue = 50;
  EXPECT_THAT(open_error("dpdk:net_null0", options), HasSubstr("counted from 0"));
}

TEST(Faults, FlowRulesThatTheFilterOrTheDeviceDoesNotHave) {
  OpenOptions options = small_options();
  options.filter = "not arp";
  EXPECT_THAT(open_error("dpdk:rules:net_null0", options), AllOf(HasSubstr("'not arp'"), HasSubstr("rules:")));
  options.filter = "tcp port 80";
  EXPECT_THAT(open_error("dpdk:rules:net_null0", options), HasSubstr("offload the filter to dpdk:net_null0"));
  EXPECT_EQ(open_error("dpdk:net_null0", options), "");
}

TEST(Faults, WhatOnlyKernelInterfacesCanDo) {
  const auto refusal = [](auto&& wish) {
    OpenOptions options = small_options();
    wish(options);
    const auto backend = open_backend("dpdk:net_null0", options);
    return backend || !backend.error().bad_usage ? "" : backend.error().message();
  };
  EXPECT_THAT(refusal([](OpenOptions& options) { options.direction = Direction::out; }), HasSubstr("receives"));
  EXPECT_THAT(refusal([](OpenOptions& options) { options.link_type = link_type::raw_ip; }), HasSubstr("Ethernet"));
  EXPECT_THAT(refusal([](OpenOptions& options) { options.wait_for_interface = true; }), HasSubstr("--wait"));
  OpenOptions fulfilled = small_options();
  fulfilled.direction = Direction::in;
  fulfilled.link_type = link_type::ethernet;
  EXPECT_EQ(open_error("dpdk:net_null0", fulfilled), "");
}

TEST(Faults, TooLittleMemoryIsRefusedWithTheNumberNeeded) {
  OpenOptions options = small_options();
  options.buffer_bytes = std::size_t{1} << 20;
  EXPECT_THAT(open_error("dpdk:net_null0", options), AllOf(HasSubstr("1 MiB hold"), HasSubstr("at least")));
}

TEST(Faults, MoreMemoryThanDpdkWasGivenIsAnError) {
  const Source first = open_source("dpdk:net_null0");
  OpenOptions options = small_options();
  options.buffer_bytes = std::size_t{2} << 30;
  EXPECT_THAT(open_error("dpdk:net_null1", options), AllOf(HasSubstr("reserve"), HasSubstr("-B")));
  EXPECT_EQ(open_error("dpdk:net_null1"), "") << "an error leaves nothing behind";
}

TEST(Faults, ADeviceIsReadByOneSource) {
  const Source first = open_source("dpdk:net_null0");
  EXPECT_THAT(open_error("dpdk:net_null0"), HasSubstr("another source of this process reads it"));
}

TEST(Faults, DpdkCannotBeStartedTwiceDifferently) {
  const Source first = open_source("dpdk:net_null0");
  OpenOptions options = small_options();
  options.dpdk.eal_arguments = "--log-level=8";
  EXPECT_THAT(open_error("dpdk:net_null1", options), AllOf(HasSubstr("already"), HasSubstr("--log-level=8")));
}

TEST(Faults, BadArgumentsOfDpdkAreAnErrorAndNeverAnExit) {
  OpenOptions options = small_options();
  options.dpdk.eal_arguments = "--nonsense";
  testing::internal::CaptureStdout();
  const std::string first = open_error("dpdk:net_null0", options);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "") << "DPDK's usage text stays out of the program's output";
  if (first.find("already") != std::string::npos) GTEST_SKIP() << "DPDK runs already in this process";
  EXPECT_THAT(first, HasSubstr("start DPDK with '--nonsense'"));
  EXPECT_EQ(open_error("dpdk:net_null0"), first) << "DPDK takes no second try";
}

TEST(Faults, WhatIsRefusedBeforeDpdkIsAskedMayBeCorrected) {
  OpenOptions options = small_options();
  options.dpdk.eal_arguments = "--help";
  EXPECT_THAT(open_error("dpdk:net_null0", options), testing::AnyOf(HasSubstr("help"), HasSubstr("already")));
  EXPECT_EQ(open_error("dpdk:net_null0"), "");
}

}  // namespace
}  // namespace ringtail::dpdk
