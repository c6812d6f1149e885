// Who gets which packets: shares, what becomes of them when members come and go, and filters.
#include "share/group.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <numeric>

#include <ringtail/interface.hpp>

#include "share/audience.hpp"
#include "share/wish.hpp"

namespace ringtail::share {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t all = ~std::uint64_t{0};

/// An Ethernet frame with an IPv4 packet of protocol UDP.
std::vector<std::byte> frame_of(std::uint32_t flow, std::uint16_t port = 443) {
  std::vector<std::byte> frame(60);
  const auto put = [&](std::size_t at, std::uint8_t value) { frame[at] = std::byte{value}; };
  put(12, 0x08);
  put(14, 0x45);
  put(23, 17);
  for (std::size_t byte = 0; byte < 4; ++byte) put(26 + byte, static_cast<std::uint8_t>(flow >> 8 * byte));
  put(36, static_cast<std::uint8_t>(port >> 8));
  put(37, static_cast<std::uint8_t>(port));
  return frame;
}

constexpr std::uint32_t flows = 2'000;

std::map<std::uint32_t, std::uint32_t> owners_of(Group& group) {
  std::map<std::uint32_t, std::uint32_t> owners;
  for (std::uint32_t flow = 0; flow < flows; ++flow) {
    owners[flow] = group.pick(frame_of(flow), link_type::ethernet, all, 1);
  }
  return owners;
}

TEST(Group, SharesAreEvenHoweverMembersCameAndWent) {
  Group group("g", Sharing::balance, FlowKey::five_tuple);
  for (std::uint32_t member = 0; member < 7; ++member) group.join(member * 9);
  group.leave(18);
  group.leave(0);
  group.join(5);
  std::uint32_t sum = 0;
  for (const std::uint32_t member : group.members()) {
    sum += group.buckets_of(member);
    EXPECT_NEAR(group.buckets_of(member), Group::bucket_count / 6.0, 2) << member;
  }
  EXPECT_EQ(sum, Group::bucket_count);
}

TEST(Group, OnlyTheFlowsOfWhoLeavesChangeHands) {
  Group group("g", Sharing::balance, FlowKey::five_tuple);
  for (std::uint32_t member = 0; member < 4; ++member) group.join(member);
  const auto before = owners_of(group);
  group.leave(2);
  const auto after = owners_of(group);
  for (const auto& [flow, owner] : before) {
    EXPECT_EQ(after.at(flow) == owner, owner != 2) << flow;
  }
}

TEST(Group, WhoJoinsTakesNoMoreThanItsShare) {
  Group group("g", Sharing::balance, FlowKey::five_tuple);
  for (std::uint32_t member = 0; member < 3; ++member) group.join(member);
  const auto before = owners_of(group);
  group.join(3);
  std::uint32_t moved = 0;
  for (const auto& [flow, owner] : owners_of(group)) {
    if (owner == before.at(flow)) continue;
    EXPECT_EQ(owner, 3U);
    ++moved;
  }
  EXPECT_NEAR(moved, flows / 4, flows / 10);
}

TEST(Group, RoundRobinPassesOverThoseWithoutRoom) {
  Group group("g", Sharing::round_robin, FlowKey::five_tuple);
  for (const std::uint32_t member : {3U, 5U, 60U}) group.join(member);
  std::map<std::uint32_t, int> got;
  for (int packet = 0; packet < 300; ++packet) ++got[group.pick(frame_of(0), link_type::ethernet, all, 1)];
  EXPECT_EQ(got, (std::map<std::uint32_t, int>{{3, 100}, {5, 100}, {60, 100}}));
  for (int packet = 0; packet < 10; ++packet) {
    EXPECT_NE(group.pick(frame_of(0), link_type::ethernet, all & ~(1ULL << 5), 1), 5U);
  }
  const std::uint32_t somebody = group.pick(frame_of(0), link_type::ethernet, 0, 1);
  EXPECT_THAT(group.members(), testing::Contains(somebody)) << "who misses it, when nobody has room";
}

class AudienceTest : public testing::Test {
 protected:
  static PacketFilter filter(const std::string& text) {
    auto compiled = compile_filter(text, {});
    EXPECT_TRUE(compiled.has_value()) << compiled.error().message();
    return std::move(*compiled);
  }
  std::optional<std::string> join(std::uint32_t client, const std::string& text, Sharing sharing = Sharing::broadcast,
                                  const std::string& group = "", FlowKey key = FlowKey::five_tuple) {
    return audience_.join(client, filter(text), group, sharing, key);
  }
  ClientSet choose(std::uint16_t port, std::uint32_t flow = 1) {
    const auto frame = frame_of(flow, port);
    return audience_.choose(frame, 60, link_type::ethernet, all) | audience_.unfiltered();
  }

  Audience audience_{1};
};

TEST_F(AudienceTest, EachGetsItsPart) {
  EXPECT_FALSE(join(0, ""));
  EXPECT_FALSE(audience_.is_choosy());
  EXPECT_FALSE(join(1, "udp port 53"));
  EXPECT_FALSE(join(2, "udp port 53"));
  EXPECT_FALSE(join(3, "tcp"));
  EXPECT_TRUE(audience_.is_choosy());
  EXPECT_EQ(choose(53), set_of(0) | set_of(1) | set_of(2));
  EXPECT_EQ(choose(443), set_of(0));
  audience_.leave(1);
  audience_.leave(0);
  EXPECT_EQ(choose(53), set_of(2));
  audience_.leave(2);
  audience_.leave(3);
  EXPECT_FALSE(audience_.is_choosy());
}

TEST_F(AudienceTest, AGroupHasOneWayOfSharing) {
  EXPECT_FALSE(join(0, "udp", Sharing::balance, "ids"));
  EXPECT_FALSE(join(1, "udp", Sharing::balance, "ids"));
  EXPECT_TRUE(join(2, "tcp", Sharing::balance, "ids"));
  EXPECT_TRUE(join(2, "udp", Sharing::round_robin, "ids"));
  EXPECT_TRUE(join(2, "udp", Sharing::balance, "ids", FlowKey::two_tuple));
  EXPECT_FALSE(join(2, "udp", Sharing::balance, "other"));
  for (std::uint32_t flow = 0; flow < 100; ++flow) {
    const ClientSet chosen = choose(53, flow);
    EXPECT_EQ(chosen & set_of(2), set_of(2)) << "a group of one gets all";
    EXPECT_TRUE((chosen & 3) == 1 || (chosen & 3) == 2) << "one of the two";
  }
}

TEST_F(AudienceTest, AMemberThatDiesHandsItsShareOver) {
  for (std::uint32_t client = 0; client < 4; ++client) EXPECT_FALSE(join(client, "", Sharing::balance, "ids"));
  for (std::uint32_t client = 0; client < 3; ++client) audience_.leave(client);
  for (std::uint32_t flow = 0; flow < 100; ++flow) EXPECT_EQ(choose(53, flow), set_of(3));
}

TEST(Wish, IsReadFromADeviceText) {
  const auto plain = parse_wish("uplink", "open");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->publisher, "uplink");
  EXPECT_EQ(plain->sharing, Sharing::broadcast);
  const auto group = parse_wish("uplink?group=ids", "open");
  ASSERT_TRUE(group.has_value());
  EXPECT_EQ(group->sharing, Sharing::balance);
  EXPECT_EQ(group->key, FlowKey::five_tuple);
  const auto all_said = parse_wish("uplink?mode=round-robin&group=ids&hash=2-tuple", "open");
  ASSERT_TRUE(all_said.has_value());
  EXPECT_EQ(all_said->group, "ids");
  EXPECT_EQ(all_said->sharing, Sharing::round_robin);
  EXPECT_EQ(all_said->key, FlowKey::two_tuple);
  for (const std::string bad : {"u?", "u?group=", "u?mode=balance", "u?group=a&hash=crc", "u?group=a&mode=some", "u?x",
                                "u?colour=red", "u?group=a&"}) {
    const auto refused = parse_wish(bad, "open");
    if (bad == "u?" || bad == "u?group=a&") {
      EXPECT_TRUE(refused.has_value()) << bad;
      continue;
    }
    ASSERT_FALSE(refused.has_value()) << bad;
    EXPECT_TRUE(refused.error().bad_usage);
  }
}

TEST(PacketFilterTest, IsBoundedInWhatAPacketMayCost) {
  std::string hosts = "host 10.0.0.1";
  for (int host = 2; host < 250; ++host) hosts += " or host 10.0." + std::to_string(host) + ".1";
  const auto refused = compile_filter(hosts, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message(), HasSubstr("a publisher takes at most 512"));
}

TEST(PacketFilterTest, HasAProgramForEachKindOfLink) {
  const std::uint16_t kinds[] = {link_type::ethernet, link_type::raw_ip};
  const auto filter = compile_filter("ether broadcast or udp", kinds);
  ASSERT_TRUE(filter.has_value());
  EXPECT_EQ(filter->programs().size(), 1U) << "raw IP has no broadcast";
  const auto frame = frame_of(1);
  EXPECT_TRUE(filter->matches(frame, 60, link_type::ethernet));
  EXPECT_FALSE(filter->matches(std::span(frame).subspan(14), 46, link_type::raw_ip));
  EXPECT_FALSE(compile_filter("udp prot 5", kinds).has_value());
}

}  // namespace
}  // namespace ringtail::share
