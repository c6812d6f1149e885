// Parts of what is published: filters and groups, from the publisher's memory into each client's hands.
#include <array>
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <random>
#include <sys/socket.h>
#include <thread>

#include "fixture/test_publisher.hpp"
#include "share/share_backend.hpp"
#include "unit/share/raw_client.hpp"

namespace ringtail::share {
namespace {

using namespace std::chrono_literals;
using test::patience;
using testing::HasSubstr;

constexpr std::uint32_t udp_frame_bytes = 64;

/// UDP over IPv4 over Ethernet: `flow` is in the addresses, `number` behind the headers.
std::array<std::byte, udp_frame_bytes> udp_frame(std::uint32_t flow, std::uint16_t port, std::uint32_t number,
                                                 bool backward) {
  std::array<std::byte, udp_frame_bytes> frame{};
  const auto put = [&](std::size_t at, std::uint32_t value) { frame[at] = static_cast<std::byte>(value); };
  const std::size_t here = backward ? 30 : 26;
  const std::size_t there = backward ? 26 : 30;
  put(12, 0x08);
  put(14, 0x45);
  put(23, 17);
  for (std::size_t byte = 0; byte < 4; ++byte) put(here + byte, flow >> 8 * byte);
  put(there, 10);
  put(backward ? 34 : 36, port >> 8);
  put(backward ? 35 : 37, port);
  std::memcpy(frame.data() + 42, &number, sizeof number);
  return frame;
}

class SharingTest : public testing::Test {
 protected:
  static Source open(const std::string& text, const std::string& filter = {}) {
    auto backend = ShareBackend::open("ringtail:" + text, text, {.filter = filter});
    EXPECT_TRUE(backend) << backend.error().message();
    return Source(std::move(*backend));
  }
  static std::string refusal(const std::string& text, const std::string& filter = {}) {
    const auto backend = ShareBackend::open("ringtail:" + text, text, {.filter = filter});
    return backend ? "" : backend.error().message();
  }
  /// A frame of each of the flows, in turn: port 53 every fourth time.
  void send(std::uint32_t frames, std::uint32_t flows) {
    std::vector<std::array<std::byte, udp_frame_bytes>> memory;
    std::vector<PacketDescriptor> packets;
    for (std::uint32_t at = 0; at < frames; ++at, ++sent_) {
      memory.push_back(udp_frame(sent_ % flows, sent_ % 4 == 0 ? 53 : 443, sent_, sent_ / flows % 2 == 1));
      PacketDescriptor packet = {};
      packet.offset = std::uint64_t{at} * udp_frame_bytes;
      packet.captured_length = packet.wire_length = udp_frame_bytes;
      packets.push_back(packet);
    }
    publisher_.with([&](Publisher& publisher) {
      publisher.publish(packets, memory.front().data(), std::vector<std::uint16_t>{0});
    });
  }
  /// The numbers of all that has been lent to it so far.
  static std::vector<std::uint32_t> numbers(Source& source) {
    std::vector<std::uint32_t> numbers;
    for (;;) {
      const Received got = source.receive(0ns);
      if (got.status != ReceiveStatus::packets) return numbers;
      for (const PacketView packet : got.batch) {
        EXPECT_EQ(packet.captured_length(), udp_frame_bytes);
        std::memcpy(&numbers.emplace_back(), packet.data() + 42, sizeof(std::uint32_t));
      }
    }
  }

  test::RunDirectory directory_;
  test::TestPublisher publisher_;
  std::uint32_t sent_ = 0;
};

TEST_F(SharingTest, AFilterLetsItsPartThroughAndNothingElse) {
  Source all = open("test");
  Source dns = open("test", "udp port 53");
  Source same = open("test", "udp port 53");
  Source none = open("test", "tcp");
  std::vector<std::uint32_t> seen[4];
  for (int round = 0; round < 20; ++round) {
    send(100, 7);
    std::size_t at = 0;
    for (Source* source : {&all, &dns, &same, &none}) {
      const auto more = numbers(*source);
      seen[at].insert(seen[at].end(), more.begin(), more.end());
      ++at;
    }
  }
  ASSERT_EQ(seen[0].size(), 2'000U);
  ASSERT_EQ(seen[1].size(), 500U);
  for (std::uint32_t at = 0; at < 500; ++at) EXPECT_EQ(seen[1][at], 4 * at);
  EXPECT_EQ(seen[2], seen[1]);
  EXPECT_TRUE(seen[3].empty());
  EXPECT_EQ(publisher_.stats().copied_bytes, 2'000U * udp_frame_bytes) << "once for all of them";
  EXPECT_EQ(dns.stats().received, 500U);
  EXPECT_EQ(dns.stats().unread, 0U);
}

TEST_F(SharingTest, WhatNobodyWantsIsNotCopied) {
  Source dns = open("test", "udp port 53");
  send(100, 1);
  EXPECT_EQ(numbers(dns).size(), 25U);
  EXPECT_EQ(publisher_.stats().copied_bytes, 25U * udp_frame_bytes);
}

TEST_F(SharingTest, AFilteredClientIsToldExactlyWhatItMissed) {
  Source slow = open("test", "udp port 53");
  Source quick = open("test");
  std::vector<Batch> held;
  std::uint64_t read = 0;
  for (int round = 0; round < 100; ++round) {
    send(32, 1);
    EXPECT_EQ(numbers(quick).size(), 32U);
    Received got = slow.receive(0ns);
    read += got.batch.size();
    if (got.status == ReceiveStatus::packets) held.push_back(std::move(got.batch));
  }
  const Stats stats = slow.stats();
  EXPECT_EQ(stats.delivered, read);
  EXPECT_GT(stats.dropped_ring, 0U);
  EXPECT_EQ(stats.delivered + stats.dropped_ring + stats.unread, 800U);
  EXPECT_EQ(quick.stats().dropped_ring, 0U);
}

TEST_F(SharingTest, AGroupSharesTheFlowsAndEachGoesToOne) {
  std::vector<Source> members;
  for (int member = 0; member < 4; ++member) members.push_back(open("test?group=ids&hash=2-tuple"));
  Source everything = open("test");
  std::map<std::uint32_t, std::size_t> owner;
  std::vector<std::size_t> got(4);
  constexpr std::uint32_t flows = 97;
  for (int round = 0; round < 50; ++round) {
    send(97, flows);
    EXPECT_EQ(numbers(everything).size(), 97U);
    for (std::size_t member = 0; member < 4; ++member) {
      for (const std::uint32_t number : numbers(members[member])) {
        EXPECT_EQ(owner.emplace(number % flows, member).first->second, member) << "both directions";
        ++got[member];
      }
    }
  }
  EXPECT_EQ(got[0] + got[1] + got[2] + got[3], 50U * 97);
  for (const std::size_t packets : got) EXPECT_GT(packets, 300U);
}

TEST_F(SharingTest, WhoLeavesHandsItsShareToTheOthers) {
  Source stays = open("test?group=ids");
  Source stops = open("test?group=ids");
  std::optional<Source> leaves = open("test?group=ids");
  send(100, 100);
  EXPECT_EQ(numbers(stays).size() + numbers(stops).size() + numbers(*leaves).size(), 100U);
  stops.stop();
  send(100, 100);
  EXPECT_EQ(numbers(stays).size() + numbers(*leaves).size(), 100U) << "who wants no more gets no share";
  leaves.reset();
  const auto end = std::chrono::steady_clock::now() + patience;
  while (publisher_.stats().clients > 2) ASSERT_LT(std::chrono::steady_clock::now(), end);
  send(100, 100);
  EXPECT_EQ(numbers(stays).size(), 100U);
}

TEST_F(SharingTest, RoundRobinDealsPacketsOut) {
  Source one = open("test?group=w&mode=round-robin");
  Source other = open("test?group=w&mode=round-robin");
  for (int round = 0; round < 10; ++round) {
    send(20, 1);
    EXPECT_EQ(numbers(one).size(), 10U);
    EXPECT_EQ(numbers(other).size(), 10U);
  }
}

TEST_F(SharingTest, WhatMakesNoSenseIsRefusedWithTheReason) {
  Source member = open("test?group=ids", "udp");
  EXPECT_THAT(refusal("test?group=ids"), HasSubstr("has another mode, hash or filter"));
  EXPECT_THAT(refusal("test?group=ids&mode=round-robin", "udp"), HasSubstr("has another mode"));
  EXPECT_EQ(refusal("test?group=ids", "udp"), "");
  EXPECT_THAT(refusal("test", "udp prot 53"), HasSubstr("syntax error"));
  EXPECT_THAT(refusal("test?colour=red"), HasSubstr("none of group, mode, hash"));
}

// Whatever a greeting says, whoever sends it is refused or admitted, and the others notice nothing.
TEST_F(SharingTest, RandomGreetingsHarmNobody) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  Source honest = open("test");
  std::size_t seen = 0;
  for (int round = 0; round < 300; ++round) {
    Hello hello;
    for (int word = 0; word < 40; ++word) {
      auto* const bytes = reinterpret_cast<std::uint8_t*>(&hello);
      const std::size_t at = 12 + random() % (random() % 2 == 0 ? 100 : sizeof hello - 12);
      bytes[at] = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : random() % 4);
    }
    if (random() % 2 == 0) hello.intent = 0;
    if (random() % 2 == 0) hello.sharing = hello.key = 0;
    const auto socket = connect_to(directory_.path() + "/test.sock", "connect");
    ASSERT_TRUE(socket) << socket.error().message();
    (void)::send(socket->get(), &hello, sizeof hello, MSG_NOSIGNAL);
    if (random() % 4 == 0) std::this_thread::sleep_for(1ms);
    send(10, 5);
    seen += numbers(honest).size();
  }
  // Guests who have hung up hold their slots until the publisher looks, which may be late on a busy machine.
  EXPECT_EQ(seen + honest.stats().dropped_ring, 3'000U);
  EXPECT_GT(seen, 1'000U);
}

}  // namespace
}  // namespace ringtail::share
