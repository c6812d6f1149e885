// What is particular to the kernel ring, on real interfaces: coming and going, several of them, several rings.

#include <cerrno>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include <ringtail/source.hpp>

#include "conformance/private_veth.hpp"
#include "fixture/numbered_frames.hpp"

namespace ringtail::conformance {
namespace {

using namespace std::chrono_literals;

class KernelRing : public testing::Test {
 protected:
  void SetUp() override {
    const std::string& reason = enter_private_namespace();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }
  static OpenOptions options() { return {.buffer_bytes = 8 << 20, .retire_timeout = 20ms}; }

  /// Reads until `wanted` packets have come or a bound has passed.
  static std::uint64_t read(Source& source, std::uint64_t wanted) {
    std::uint64_t packets = 0;
    for (int tries = 0; packets < wanted && tries < 100; ++tries) packets += source.receive(100ms).batch.size();
    return packets;
  }
};

TEST_F(KernelRing, MissingInterfacesAreNamed) {
  const auto source = open("nosuch0");
  ASSERT_FALSE(source.has_value());
  EXPECT_EQ(source.error().error_number, ENODEV);
  EXPECT_NE(source.error().message().find("nosuch0"), std::string::npos);
}

TEST_F(KernelRing, DownAndUpIsAGapNotAnEnd) {
  auto source = open("rt1", options()).value();
  NumberedSender sender;
  sender.send(10, 100);
  EXPECT_EQ(read(source, 10), 10U);
  ASSERT_TRUE(run_in_namespace("ip link set rt1 down"));
  EXPECT_EQ(source.receive(300ms).status, ReceiveStatus::timeout);
  ASSERT_TRUE(run_in_namespace("ip link set rt1 up"));
  sender.send(10, 100);
  EXPECT_EQ(read(source, 10), 10U);
  EXPECT_EQ(source.failure(), nullptr);
}

TEST_F(KernelRing, ALinkThatIsDownAtStartIsWaitedFor) {
  ASSERT_TRUE(run_in_namespace("ip link set rt1 down"));
  auto source = open("rt1", options()).value();
  EXPECT_EQ(source.receive(50ms).status, ReceiveStatus::timeout);
  // The kernel lets frames out a moment later (linkwatch_do_dev(), net/core/link_watch.c).
  ASSERT_TRUE(
      run_in_namespace("ip link set rt1 up && "
                       "timeout 10 sh -c 'until ip link show rt0 | grep -q \"state UP\"; do sleep 0.01; done'"));
  NumberedSender sender;
  sender.send(5, 100);
  EXPECT_EQ(read(source, 5), 5U);
}

TEST_F(KernelRing, ARemovedInterfaceEndsTheStreamAfterItsLastPacket) {
  ASSERT_TRUE(
      run_in_namespace("ip link add gone0 type veth peer name gone1 && "
                       "ip link set gone0 up && ip link set gone1 up"));
  auto source = open("gone1", options()).value();
  NumberedSender("gone0").send(7, 100);
  ASSERT_TRUE(run_in_namespace("ip link del gone0"));
  EXPECT_EQ(read(source, 7), 7U);
  Received received;
  for (int tries = 0; tries < 50; ++tries) {
    if ((received = source.receive(100ms)).status == ReceiveStatus::end_of_stream) break;
  }
  ASSERT_EQ(received.status, ReceiveStatus::end_of_stream);
  ASSERT_NE(source.failure(), nullptr);
  EXPECT_EQ(source.failure()->error_number, ENODEV);
  EXPECT_EQ(source.stats().unread, 0U);
}

TEST_F(KernelRing, AWaitingSourceFollowsAnInterfaceThatComesBack) {
  const char* make = "ip link add back0 type veth peer name back1 && ip link set back0 up && ip link set back1 up";
  ASSERT_TRUE(run_in_namespace(make));
  OpenOptions waiting = options();
  waiting.wait_for_interface = true;
  auto source = open("back1", waiting).value();
  NumberedSender("back0").send(3, 100);
  EXPECT_EQ(read(source, 3), 3U);
  ASSERT_TRUE(run_in_namespace("ip link del back0"));
  EXPECT_EQ(source.receive(600ms).status, ReceiveStatus::timeout);
  ASSERT_TRUE(run_in_namespace(make));
  for (int tries = 0; tries < 50 && source.interface_count() < 2; ++tries) (void)source.receive(100ms);
  ASSERT_EQ(source.interface_count(), 2U);
  NumberedSender("back0").send(4, 100);
  std::uint64_t packets = 0;
  for (int tries = 0; tries < 100 && packets < 4; ++tries) {
    const Received received = source.receive(100ms);
    for (const PacketView packet : received.batch) EXPECT_EQ(packet.interface_id(), 1U);
    packets += received.batch.size();
  }
  EXPECT_EQ(packets, 4U);
  EXPECT_EQ(source.stats().delivered, 7U);
  ASSERT_TRUE(run_in_namespace("ip link del back0"));
}

TEST_F(KernelRing, AnyNamesEveryInterfaceAndKeepsTheirHeaders) {
  ASSERT_TRUE(
      run_in_namespace("ip link add any0 type veth peer name any1 && ip link set any0 up && "
                       "ip link set any1 up"));
  OpenOptions inbound = options();
  inbound.direction = Direction::in;
  auto source = open("any", inbound).value();
  NumberedSender first("rt0");
  NumberedSender second("any0");
  for (int round = 0; round < 20; ++round) {
    first.send(1, 100);
    second.send(2, 100);
  }
  std::vector<std::uint64_t> per_interface(2);
  std::uint64_t packets = 0;
  for (int tries = 0; tries < 100 && packets < 60; ++tries) {
    const Received received = source.receive(100ms);
    for (const PacketView packet : received.batch) {
      EXPECT_TRUE(fixture::read_numbered_frame(packet.bytes()).intact);
      ++per_interface.at(packet.interface_id());
    }
    packets += received.batch.size();
  }
  ASSERT_EQ(source.interface_count(), 2U);
  EXPECT_EQ(source.interface(0).name, "rt1");
  EXPECT_EQ(source.interface(1).name, "any1");
  EXPECT_EQ(per_interface, (std::vector<std::uint64_t>{20, 40}));
  ASSERT_TRUE(run_in_namespace("ip link del any0"));
}

TEST_F(KernelRing, LoopbackPacketsAreSeenOnce) {
  auto source = open("lo", options()).value();
  NumberedSender("lo").send(3, 100);
  source.stop();
  std::uint64_t packets = 0;
  Received received;
  while ((received = source.receive(1s)).status != ReceiveStatus::end_of_stream) packets += received.batch.size();
  EXPECT_EQ(packets, 3U) << "not six: the copy on its way out is left out";
}

TEST_F(KernelRing, AFilterDecidesWhatIsReceivedAndItsErrorsShowWhere) {
  OpenOptions filtered = options();
  filtered.filter = "ether proto 0x88b6 and ether[14] & 1 = 0";  // the number begins at byte 14, lowest first
  auto source = open("rt1", filtered).value();
  NumberedSender sender;
  sender.send(100, 100);
  EXPECT_EQ(read(source, 50), 50U);
  EXPECT_EQ(source.stats().received, 50U);

  filtered.filter = "tcp prot 80";
  const auto broken = open("rt1", filtered);
  ASSERT_FALSE(broken.has_value());
  EXPECT_NE(broken.error().message().find("column 5"), std::string::npos) << broken.error().message();
}

TEST_F(KernelRing, FanoutMembersShareAndLoseNothing) {
  constexpr std::uint64_t frames = 20'000;
  OpenOptions shared = options();
  shared.buffer_bytes = 32 << 20;
  shared.fanout = Fanout{.mode = FanoutMode::load_balance};
  auto members = open_fanout("rt1", shared, 2).value();
  ASSERT_EQ(members.size(), 2U);
  std::vector<std::uint64_t> seen(2);
  std::vector<std::thread> readers;
  for (std::size_t member = 0; member < 2; ++member) {
    readers.emplace_back([&, member] {
      Received received;
      while ((received = members[member].receive(1s)).status != ReceiveStatus::end_of_stream) {
        seen[member] += received.batch.size();
      }
    });
  }
  NumberedSender sender;
  sender.send(frames, 200);
  for (Source& member : members) member.stop();
  for (std::thread& reader : readers) reader.join();
  Stats sum;
  for (Source& member : members) {
    const Stats stats = member.stats();
    EXPECT_EQ(stats.received, stats.delivered + stats.dropped_ring + stats.unread);
    EXPECT_EQ(stats.unread, 0U);
    sum.received += stats.received;
    sum.dropped_interface = stats.dropped_interface;  // both count the same interface
  }
  EXPECT_EQ(sum.received + sum.dropped_interface, frames);
  EXPECT_GT(seen[0], 0U);
  EXPECT_GT(seen[1], 0U);
}

TEST_F(KernelRing, StoppingUnderLoadLeavesNothingUnread) {
  auto source = open("rt1", options()).value();
  std::atomic<bool> done{false};
  std::thread load([&] {
    NumberedSender sender;
    while (!done.load()) sender.send(100, 500);
  });
  EXPECT_GE(read(source, 5'000), 5'000U);
  source.stop();
  Received received;
  while ((received = source.receive(1s)).status != ReceiveStatus::end_of_stream) {
  }
  done.store(true);
  load.join();
  const Stats stats = source.stats();
  EXPECT_EQ(stats.unread, 0U);
  EXPECT_EQ(stats.received, stats.delivered + stats.dropped_ring);
}

}  // namespace
}  // namespace ringtail::conformance
