#include "link_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>

namespace ringtail::daemon {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using Kind = LinkEvent::Kind;

constexpr std::uint32_t working = IFF_UP | IFF_RUNNING;

tpacket::Link link(std::uint32_t index, const std::string& name, std::uint32_t flags = working,
                   std::uint32_t mtu = 1500) {
  tpacket::Link made;
  made.index = index;
  made.name = name;
  made.flags = flags;
  made.mtu = mtu;
  return made;
}

class LinkHistoryTest : public testing::Test {
 protected:
  LinkHistoryTest() { (void)hear({.changes = {{link(2, "rx0")}, {link(3, "rx1", 0)}}, .is_complete = true}); }

  std::vector<LinkEvent> hear(const tpacket::LinkNews& news) { return history_.take(news, now_); }
  std::vector<LinkEvent> hear(const tpacket::Link& changed) { return hear({.changes = {{changed}}}); }

  LinkHistory history_;
  LinkHistory::Clock::time_point now_{};
};

auto is_event(Kind kind, const std::string& text) {
  return AllOf(Field("kind", &LinkEvent::kind, kind), Field("text", &LinkEvent::text, text));
}

TEST_F(LinkHistoryTest, NothingNewIsNoEvent) {
  EXPECT_THAT(hear(link(2, "rx0")), IsEmpty());
}

TEST_F(LinkHistoryTest, AGapIsAsLongAsTheLinkWasDown) {
  EXPECT_THAT(hear(link(2, "rx0", 0)), ElementsAre(is_event(Kind::stopped, "rx0 is down")));
  now_ += 1s;
  EXPECT_THAT(hear(link(2, "rx0", IFF_UP)), IsEmpty()) << "up, but still without a carrier";
  now_ += 500ms;
  EXPECT_THAT(hear(link(2, "rx0")), ElementsAre(is_event(Kind::resumed, "gap of 1.500 s on rx0: it was down")));
  EXPECT_THAT(hear(link(2, "rx0", IFF_UP)), ElementsAre(is_event(Kind::stopped, "rx0 has no carrier")));
}

TEST_F(LinkHistoryTest, WhatWasDownAtFirstHasAGapToo) {
  now_ += 2s;
  EXPECT_THAT(hear(link(3, "rx1")), ElementsAre(is_event(Kind::resumed, "gap of 2.000 s on rx1: it was down")));
}

TEST_F(LinkHistoryTest, TellsOfNamesAndMtus) {
  EXPECT_THAT(hear(link(2, "lan0")), ElementsAre(is_event(Kind::appeared, "rx0 is called lan0 from now on")));
  EXPECT_THAT(hear(link(2, "lan0", working, 9000)),
              ElementsAre(is_event(Kind::changed, "the MTU of lan0 is 9000, it was 1500")));
}

TEST_F(LinkHistoryTest, OneThatComesBackIsAnother) {
  EXPECT_THAT(hear({.changes = {{link(2, "rx0"), true}, {link(7, "rx0")}}}),
              ElementsAre(is_event(Kind::gone, "rx0 is gone"), is_event(Kind::appeared, "rx0 has appeared")));
}

TEST_F(LinkHistoryTest, WhatIsMissingInACompleteListIsGone) {
  EXPECT_THAT(hear({.changes = {{link(2, "rx0", 0)}, {link(9, "rx9")}}, .is_complete = true}),
              ElementsAre(is_event(Kind::stopped, "rx0 is down"), is_event(Kind::appeared, "rx9 has appeared"),
                          is_event(Kind::gone, "rx1 is gone")));
}

}  // namespace
}  // namespace ringtail::daemon
