// The ring of a packet socket, lent to clients that are trusted with it, and copies for the others.
#include <atomic>
#include <fstream>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

#include "fixture/fake_backend.hpp"
#include "fixture/numbered_frames.hpp"
#include "fixture/test_publisher.hpp"
#include "share/share_backend.hpp"
#include "unit/share/raw_client.hpp"

namespace ringtail::share {
namespace {

using namespace std::chrono_literals;
using test::patience;
using testing::HasSubstr;

constexpr std::size_t frame_bytes = 1000;
constexpr std::uint64_t block_frames = 200;  // of the 256 KiB that a block has
constexpr std::uint32_t blocks = 16;
constexpr Geometry roomy_geometry = {.slot_count = 256, .slot_packets = 32, .slot_bytes = 288U << 10};

class RingLending : public testing::Test {
 protected:
  void SetUp() override {
    backend_ = fixture::FakeBackend::on_packet_socket(fixture::small_geometry(blocks), 64);
    if (!backend_) GTEST_SKIP() << "packet sockets need CAP_NET_RAW";
  }
  [[nodiscard]] Source open(bool is_trusted, const std::string& wish = "", const OpenOptions& options = {}) {
    is_trusted_ = is_trusted;
    auto backend = ShareBackend::open("ringtail:test", "test" + wish, options);
    EXPECT_TRUE(backend) << backend.error().message();
    return Source(std::move(*backend));
  }
  /// The kernel fills a block.
  void fill_block() {
    for (std::uint64_t frame = 0; frame < block_frames; ++frame) {
      const auto bytes = fixture::make_numbered_frame(next_++, frame_bytes);
      EXPECT_TRUE(backend_->kernel().deliver({.bytes = bytes, .timestamp_ns = next_}));
    }
    backend_->kernel().retire_timer();
  }
  /// What the kernel has handed over is lent, and would be written then.
  void publish_all() {
    Batch batch;
    while (backend_->receive(0ns, batch) == ReceiveStatus::packets) {
      publisher_.with([&batch](Publisher& publisher) { publisher.publish(batch, std::vector<std::uint16_t>{0}); });
      batch.reset();
    }
  }
  void send_block() {
    fill_block();
    publish_all();
  }
  static void expect_frames(Source& source, std::uint64_t first, std::uint64_t frames) {
    for (std::uint64_t expected = first; expected < first + frames;) {
      const Received got = source.receive(patience);
      ASSERT_EQ(got.status, ReceiveStatus::packets);
      for (const PacketView packet : got.batch) {
        const auto frame = fixture::read_numbered_frame(packet.bytes());
        ASSERT_TRUE(frame.intact);
        ASSERT_EQ(frame.number, expected++);
      }
    }
  }
  static void expect_eviction(Source& source) {
    EXPECT_EQ(source.receive(patience).status, ReceiveStatus::end_of_stream);
    ASSERT_NE(source.failure(), nullptr);
    EXPECT_THAT(source.failure()->message(), HasSubstr("took the packets back"));
  }
  /// How often this process has mapped a ring; once is the source.
  static std::size_t rings_mapped() {
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) count += line.find("socket:[") != std::string::npos ? 1 : 0;
    return count;
  }
  static void wait_until(const std::function<bool()>& condition) {
    const auto start = std::chrono::steady_clock::now();
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now() - start, patience);
      std::this_thread::sleep_for(1ms);
    }
  }

  std::atomic<bool> is_trusted_{false};
  test::RunDirectory directory_;
  std::unique_ptr<fixture::FakeBackend, detail::BackendDeleter> backend_;
  test::TestPublisher publisher_{{.name = "test",
                                  .geometry = roomy_geometry,
                                  .hold_limit = std::chrono::minutes(1),
                                  .trusts = [this](const PeerCredentials&) { return is_trusted_.load(); }}};
  std::uint64_t next_ = 0;
};

TEST_F(RingLending, WhoIsTrustedReadsTheRingAndTheOthersOneCopy) {
  Source trusted = open(true);
  Source stranger = open(false);
  Source another = open(false);
  for (std::uint64_t first = 0; first < 3 * blocks * block_frames; first += block_frames) {
    send_block();
    for (Source* source : {&trusted, &stranger, &another}) expect_frames(*source, first, block_frames);
  }
  const PublisherStats stats = publisher_.stats();
  EXPECT_EQ(stats.lent_packets, 3 * next_);
  EXPECT_EQ(stats.copied_bytes, next_ * frame_bytes) << "one copy for two";
  EXPECT_EQ(stats.skipped_packets, 0U);
  EXPECT_EQ(rings_mapped(), 2U);
}

TEST_F(RingLending, NothingIsCopiedForThoseWhoAreTrusted) {
  Source one = open(true);
  Source other = open(true);
  for (std::uint64_t first = 0; first < 2 * blocks * block_frames; first += block_frames) {
    send_block();
    expect_frames(one, first, block_frames);
    expect_frames(other, first, block_frames);
  }
  EXPECT_EQ(publisher_.stats().copied_bytes, 0U);
}

TEST_F(RingLending, NobodyElseGetsTheDescriptor) {
  Source trusted = open(true);
  is_trusted_ = false;
  const auto stranger = RawClient::attach(directory_.path() + "/test.sock", {.takes_rings = true});
  ASSERT_TRUE(stranger) << stranger.error().message();
  is_trusted_ = true;
  const auto abstainer = RawClient::attach(directory_.path() + "/test.sock", {.takes_rings = false});
  ASSERT_TRUE(abstainer) << abstainer.error().message();
  send_block();
  expect_frames(trusted, 0, block_frames);
  publisher_.with([](Publisher& publisher) { publisher.recall(); });
  publisher_.with([](Publisher& publisher) { publisher.serve(); });
  for (const RawClient* client : {&*stranger, &*abstainer}) {
    EXPECT_NE(client->announcement(0).position.load(), 0U);
    EXPECT_EQ(client->announcement(0).memory, 0U);
    for (News news; (news = read_news(client->socket.get())).kind != News::Kind::nothing_yet;) {
      EXPECT_EQ(news.kind, News::Kind::bell);
    }
  }
}

TEST_F(RingLending, FiltersAndGroupsReachAcrossBothWays) {
  Source all = open(true);
  Source filtered = open(true, "", {.filter = "ether proto 0x88b6"});
  Source copied = open(false, "", {.filter = "ether proto 0x88b6"});
  Source none = open(false, "", {.filter = "ip"});
  Source member = open(true, "?group=work&mode=round-robin");
  Source other_member = open(false, "?group=work&mode=round-robin");
  std::vector<int> seen(4 * block_frames);
  for (std::uint64_t first = 0; first < 4 * block_frames; first += block_frames) {
    send_block();
    for (Source* source : {&all, &filtered, &copied}) expect_frames(*source, first, block_frames);
    for (Source* source : {&member, &other_member}) {
      for (Received got; (got = source->receive(0ms)).status == ReceiveStatus::packets;) {
        for (const PacketView packet : got.batch) ++seen[fixture::read_numbered_frame(packet.bytes()).number];
      }
    }
  }
  EXPECT_EQ(none.receive(0ms).status, ReceiveStatus::timeout);
  EXPECT_THAT(seen, testing::Each(1));
  EXPECT_EQ(publisher_.stats().copied_bytes, next_ * frame_bytes);
}

TEST_F(RingLending, WhoHangsLosesTheRingBeforeTheKernelComesThere) {
  Source hanging = open(true);
  Source steady = open(true);
  Source stranger = open(false);
  for (std::uint64_t first = 0; first < 4 * blocks * block_frames; first += block_frames) {
    send_block();
    for (Source* source : {&steady, &stranger}) expect_frames(*source, first, block_frames);
    EXPECT_EQ(publisher_.stats().evicted, first / block_frames < blocks * 3 / 4 - 1 ? 0U : 1U) << first / block_frames;
  }
  EXPECT_EQ(backend_->kernel().drops(), 0U);
  EXPECT_EQ(backend_->kernel().freezes(), 0U);
  EXPECT_LT(publisher_.stats().copied_bytes, next_ * frame_bytes * 2);
  expect_eviction(hanging);
}

TEST_F(RingLending, TheKernelComesNearThoughNothingIsReceivedAnyMore) {
  Source hanging = open(true);
  send_block();
  for (std::uint32_t block = 1; block <= blocks * 3 / 4; ++block) fill_block();
  wait_until([this] { return publisher_.stats().evicted == 1; });  // by serve()
  expect_eviction(hanging);
  EXPECT_EQ(backend_->kernel().drops(), 0U);
}

TEST_F(RingLending, WhoIsLateGetsCopiesAndIsLeftAlone) {
  Source late = open(true);
  std::uint64_t read = 0;
  for (std::uint32_t block = 0; block < 4 * blocks; ++block) {
    send_block();
    if (block % 8 == 7) expect_frames(late, std::exchange(read, next_), 8 * block_frames);
  }
  const PublisherStats stats = publisher_.stats();
  EXPECT_EQ(stats.evicted, 0U);
  EXPECT_EQ(stats.skipped_packets, 0U);
  EXPECT_GT(stats.copied_bytes, 0U);
  EXPECT_LT(stats.copied_bytes, next_ * frame_bytes);
}

TEST_F(RingLending, AnIdleLinkIsCopied) {
  Source trusted = open(true);
  const auto bytes = fixture::make_numbered_frame(0, frame_bytes);
  backend_->kernel().deliver({.bytes = bytes, .timestamp_ns = 1});
  backend_->kernel().retire_timer();
  publish_all();
  expect_frames(trusted, 0, 1);
  EXPECT_EQ(publisher_.stats().copied_bytes, frame_bytes);
}

TEST_F(RingLending, AtTheEndTheRingIsUnmappedWithTheLastBatch) {
  Source source = open(true);
  send_block();
  Received held = source.receive(patience);
  ASSERT_EQ(held.status, ReceiveStatus::packets);
  EXPECT_EQ(rings_mapped(), 2U);
  publisher_.end();
  std::uint64_t frames = held.batch.size();
  for (Received got; (got = source.receive(patience)).status == ReceiveStatus::packets;) frames += got.batch.size();
  EXPECT_EQ(frames, block_frames);
  EXPECT_EQ(source.failure(), nullptr);
  EXPECT_EQ(rings_mapped(), 2U);
  EXPECT_TRUE(fixture::read_numbered_frame(held.batch[0].bytes()).intact);
  std::thread([batch = std::move(held.batch)]() mutable { batch.reset(); }).join();
  EXPECT_EQ(rings_mapped(), 1U) << "the source's own";
}

TEST_F(RingLending, ASourceThatGoesTakesItsRingAlong) {
  Source source = open(true);
  for (int round = 0; round < 3; ++round) {
    const std::uint64_t first = next_;
    send_block();
    expect_frames(source, first, block_frames);
    wait_until([&] {  // its batches come back
      publisher_.with([](Publisher& publisher) { publisher.recall(); });
      (void)source.receive(0ms);
      return rings_mapped() == 1;
    });
    backend_ = fixture::FakeBackend::on_packet_socket(fixture::small_geometry(blocks), 64);
  }
  EXPECT_EQ(publisher_.stats().copied_bytes, 0U);
}

}  // namespace
}  // namespace ringtail::share
