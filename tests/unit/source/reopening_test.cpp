// Sources that outlive their publisher (--wait), and publishers that are not what they were when they come back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>

#include <ringtail/source.hpp>

#include "fixture/test_publisher.hpp"
#include "share/address.hpp"

namespace ringtail {
namespace {

using namespace std::chrono_literals;
using share::PeerCredentials;
using test::patience;
using testing::HasSubstr;

class Reopening : public testing::Test {
 protected:
  [[nodiscard]] static Source open() {
    auto source = ringtail::open("ringtail:test", {.filter = "ether proto 0x88b6", .wait_for_interface = true});
    EXPECT_TRUE(source) << source.error().message();
    return std::move(*source);
  }
  /// What comes next that is not merely a lapse of time.
  static ReceiveStatus next(Source& source) {
    const auto start = std::chrono::steady_clock::now();
    ReceiveStatus status = ReceiveStatus::timeout;
    while (status == ReceiveStatus::timeout && std::chrono::steady_clock::now() - start < patience) {
      status = source.receive(50ms).status;
    }
    return status;
  }

  test::RunDirectory directory_;
  std::optional<test::TestPublisher> publisher_{std::in_place};
};

TEST_F(Reopening, APublisherThatComesBackIsRead) {
  Source source = open();
  publisher_->send(10);
  EXPECT_EQ(next(source), ReceiveStatus::packets);
  publisher_.reset();
  EXPECT_EQ(source.receive(1ms).status, ReceiveStatus::timeout);
  publisher_.emplace();
  const auto start = std::chrono::steady_clock::now();
  while (publisher_->stats().clients == 0) {
    ASSERT_LT(std::chrono::steady_clock::now() - start, patience);
    EXPECT_EQ(source.receive(10ms).status, ReceiveStatus::timeout);
  }
  publisher_->send(10);
  EXPECT_EQ(next(source), ReceiveStatus::packets);
}

TEST_F(Reopening, ARefusalThatWillNotChangeIsTheEnd) {
  Source source = open();
  publisher_.reset();
  publisher_.emplace(share::PublisherOptions{
      .name = "test", .geometry = test::small_geometry, .admits = [](const PeerCredentials&) { return false; }});
  EXPECT_EQ(next(source), ReceiveStatus::end_of_stream);
  ASSERT_NE(source.failure(), nullptr);
  EXPECT_THAT(source.failure()->message(), HasSubstr("may not attach"));
}

TEST_F(Reopening, WithoutAPlaceItGoesOnWaiting) {
  Source source = open();
  publisher_.reset();
  publisher_.emplace(share::PublisherOptions{.name = "test", .geometry = test::small_geometry, .most_clients = 1});
  auto other = ringtail::open("ringtail:test");
  ASSERT_TRUE(other) << other.error().message();
  const auto start = std::chrono::steady_clock::now();
  while (publisher_->stats().refused == 0) {
    ASSERT_LT(std::chrono::steady_clock::now() - start, patience);
    EXPECT_EQ(source.receive(10ms).status, ReceiveStatus::timeout);
  }
  EXPECT_EQ(source.failure(), nullptr);
}

TEST_F(Reopening, APublisherThatHangsDoesNotHoldUpWhoWaits) {
  Source source = open();
  publisher_.reset();
  const auto listener = share::listen_at(directory_.path() + "/test.sock");
  ASSERT_TRUE(listener) << listener.error().message();
  const auto start = std::chrono::steady_clock::now();
  for (int count = 0; count < 4; ++count) EXPECT_EQ(source.receive(0ns).status, ReceiveStatus::timeout);
  source.interrupt();
  EXPECT_EQ(source.receive(patience).status, ReceiveStatus::interrupted);
  source.stop();
  EXPECT_EQ(source.receive(patience).status, ReceiveStatus::end_of_stream);
  EXPECT_LT(std::chrono::steady_clock::now() - start, patience) << "it would be 20 s with a starter's patience";
}

}  // namespace
}  // namespace ringtail
