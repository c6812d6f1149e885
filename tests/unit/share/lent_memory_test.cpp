// Packets that clients read in the memory they arrived in.
#include <bit>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "fixture/numbered_frames.hpp"
#include "fixture/sealed_backend.hpp"
#include "fixture/test_publisher.hpp"
#include "share/share_backend.hpp"
#include "unit/share/raw_client.hpp"

namespace ringtail::share {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

using test::patience;

class LentMemory : public testing::Test {
 protected:
  void SetUp() override { publisher_.emplace().lend_in_place(); }
  [[nodiscard]] static Source open(const std::string& wish = "", const OpenOptions& options = {}) {
    auto backend = ShareBackend::open("ringtail:test", "test" + wish, options);
    EXPECT_TRUE(backend) << backend.error().message();
    return Source(std::move(*backend));
  }
  static void wait_until(const std::function<bool()>& condition) {
    const auto start = std::chrono::steady_clock::now();
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now() - start, patience);
      std::this_thread::sleep_for(1ms);
    }
  }
  /// How many mappings of memory that is lent in place this process has.
  static std::size_t memories_mapped() {
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) count += line.find("ringtail-test-packets") != std::string::npos;
    return count;
  }
  void expect_all_back() {
    wait_until([this] { return publisher_->lendable().lent() == 0; });
  }
  /// What there is, in order and undamaged; the batches are given back.
  static void expect_frames(Source& source, std::uint64_t first, std::uint64_t frames) {
    for (std::uint64_t expected = first; expected < first + frames;) {
      const Received got = source.receive(patience);
      ASSERT_EQ(got.status, ReceiveStatus::packets);
      for (const PacketView packet : got.batch) {
        const auto frame = fixture::read_numbered_frame(packet.bytes());
        ASSERT_TRUE(frame.intact);
        ASSERT_EQ(frame.number, expected++);
        ASSERT_EQ(packet.timestamp_ns(), frame.number + 1);
      }
    }
  }

  test::RunDirectory directory_;
  std::optional<test::TestPublisher> publisher_;
};

TEST_F(LentMemory, NothingIsCopiedForAnyNumberOfClients) {
  Source one = open();
  Source other = open();
  for (std::uint64_t first = 0; first < 3200; first += 160) {
    publisher_->send(160);
    expect_frames(one, first, 160);
    expect_frames(other, first, 160);
    expect_all_back();
  }
  EXPECT_EQ(publisher_->stats().copied_bytes, 0U);
  EXPECT_EQ(publisher_->stats().lent_packets, 6400U);
}

TEST_F(LentMemory, WhoComesLaterReadsThereToo) {
  Source one = open();
  publisher_->send(32);
  expect_frames(one, 0, 32);
  expect_all_back();
  Source late = open();
  publisher_->send(32);
  expect_frames(late, 32, 32);
  EXPECT_EQ(publisher_->stats().copied_bytes, 0U);
}

TEST_F(LentMemory, ABatchComesBackWithItsLastReader) {
  Source quick = open();
  Source slow = open();
  publisher_->send(32);
  Received held = slow.receive(patience);
  ASSERT_EQ(held.batch.size(), 32U);
  expect_frames(quick, 0, 32);
  publisher_->with([](Publisher& publisher) { publisher.serve(); });
  EXPECT_EQ(publisher_->lendable().lent(), 1U);
  EXPECT_TRUE(fixture::read_numbered_frame(held.batch[31].bytes()).intact);
  held.batch.reset();
  expect_all_back();
}

TEST_F(LentMemory, WhatIsTooMuchToBeLentIsCopied) {
  Source source = open();
  publisher_->send(40 * 32);  // of which 16 * 32 may be out
  std::vector<Batch> held;
  for (std::uint64_t packets = 0; packets < 40 * 32;) {
    Received got = source.receive(patience);
    ASSERT_EQ(got.status, ReceiveStatus::packets);
    packets += got.batch.size();
    held.push_back(std::move(got.batch));
  }
  std::uint64_t expected = 0;
  for (const Batch& batch : held) {
    for (const PacketView packet : batch) {
      const auto frame = fixture::read_numbered_frame(packet.bytes());
      ASSERT_TRUE(frame.intact);
      ASSERT_EQ(frame.number, expected++);
    }
  }
  EXPECT_EQ(publisher_->stats().copied_bytes, 24U * 32 * 200);
  EXPECT_EQ(source.stats().dropped_ring, 0U);
}

TEST_F(LentMemory, ASourceThatNeedsItsMemoryIsLeftAlone) {
  Source source = open();
  publisher_->lendable().keep_to_itself();
  publisher_->send(32);
  expect_frames(source, 0, 32);
  EXPECT_EQ(publisher_->stats().copied_bytes, 32U * 200);
  EXPECT_EQ(publisher_->lendable().lent(), 0U);
}

TEST_F(LentMemory, FiltersAndGroupsSayWhoSeesWhat) {
  Source none = open("", {.filter = "ip"});
  Source numbered = open("", {.filter = "ether proto 0x88b6"});
  Source one = open("?group=work&mode=round-robin");
  Source other = open("?group=work&mode=round-robin");
  publisher_->send(320);
  expect_frames(numbered, 0, 320);
  std::uint64_t shared = 0;
  for (Source* member : {&one, &other}) {
    for (Received got; (got = member->receive(0ms)).status == ReceiveStatus::packets;) shared += got.batch.size();
  }
  EXPECT_EQ(shared, 320U);
  EXPECT_EQ(none.receive(0ms).status, ReceiveStatus::timeout);
  EXPECT_EQ(publisher_->stats().copied_bytes, 0U);
  expect_all_back();
}

TEST_F(LentMemory, ABatchOfManySlotsComesBackOnce) {
  publisher_->lend_in_place({.batches = 2, .batch_packets = 100});
  Source source = open();
  const Batch batch = publisher_->lendable().take(0, 100, 200);
  publisher_->with([&](Publisher& publisher) { publisher.publish(batch, std::vector<std::uint16_t>{0}); });
  expect_frames(source, 0, 100);
  wait_until([&] { return batch.slot()->holders.load() == 1; });
  EXPECT_EQ(publisher_->lendable().lent(), 1U) << "ours";
}

TEST_F(LentMemory, ADeadClientGivesEverythingBack) {
  {
    const auto client = RawClient::attach(directory_.path() + "/test.sock");
    ASSERT_TRUE(client) << client.error().message();
    publisher_->send(320);
    EXPECT_EQ(publisher_->lendable().lent(), 10U);
  }
  expect_all_back();
}

TEST_F(LentMemory, NobodyWhoIsShownItCanWriteIt) {
  auto client = RawClient::attach(directory_.path() + "/test.sock");
  ASSERT_TRUE(client) << client.error().message();
  publisher_->send(1);
  pollfd readable{.fd = client->socket.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&readable, 1, 10'000), 1);
  const News news = read_news(client->socket.get());
  ASSERT_EQ(news.kind, News::Kind::memory);
  EXPECT_EQ(client->announcement(0).memory, name_memory(1, news.place));
  const base::FileDescriptor reopened(
      ::open(("/proc/self/fd/" + std::to_string(news.descriptor.get())).c_str(), O_RDWR | O_CLOEXEC));
  for (const int memory : {news.descriptor.get(), reopened.get()}) {
    if (memory < 0) continue;
    for (const int protection : {PROT_READ | PROT_WRITE, PROT_WRITE}) {
      EXPECT_EQ(::mmap(nullptr, 4096, protection, MAP_SHARED, memory, 0), MAP_FAILED);
      EXPECT_EQ(errno, EPERM);
    }
    EXPECT_EQ(::pwrite(memory, "x", 1, 0), -1);
    EXPECT_EQ(::ftruncate(memory, 0), -1);
    EXPECT_EQ(::fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
  }
  auto mapped = base::map_all_sealed(news.descriptor.get());
  ASSERT_TRUE(mapped) << mapped.error().message();
  EXPECT_EQ(::mprotect(mapped->data(), mapped->size(), PROT_READ | PROT_WRITE), -1);
}

TEST_F(LentMemory, SourcesComeAndGoAndNobodyReadsInTheWrongMemory) {
  Source source = open();
  std::uint64_t next = 0;
  for (int round = 0; round < 3 * static_cast<int>(memory_places); ++round) {
    publisher_->lend_in_place({.batches = 4});  // the source before is gone, the descriptor's number taken again
    publisher_->send(64);
    expect_frames(source, next, 64);
    next += 64;
    expect_all_back();
    publisher_->with([](Publisher& publisher) {
      publisher.recall();
      publisher.serve();
    });
  }
  EXPECT_EQ(publisher_->stats().copied_bytes, 0U);
}

// An analyzer that always has a batch at hand is as good as one that has none now and then.
TEST_F(LentMemory, SourcesComeAndGoWhileThereIsAlwaysABatchAtHand) {
  Source source = open();
  Batch held;
  for (std::uint64_t round = 0; round < 40; ++round) {
    publisher_->lend_in_place({.batches = 4});
    publisher_->send(32);
    Received got = source.receive(patience);
    ASSERT_EQ(got.status, ReceiveStatus::packets) << round;
    ASSERT_EQ(fixture::read_numbered_frame(got.batch[31].bytes()).number, round * 32 + 31);
    held = std::move(got.batch);  // the one before goes back
    publisher_->with([](Publisher& publisher) { publisher.recall(); });
  }
  publisher_->lend_in_place({.batches = 4});
  wait_until([&source] {
    EXPECT_EQ(source.receive(0ns).status, ReceiveStatus::timeout);  // it hears of what has gone
    return memories_mapped() <= 3;  // what the batch lies in, there and here, and the new source's
  });
}

// Nor does a child that closes what it has inherited touch what has come to lie there.
TEST_F(LentMemory, ChildrenDoNotGetIt) {
  publisher_->send(32);
  std::optional<Source> source = open();
  publisher_->send(32);
  Received held = source->receive(patience);
  ASSERT_EQ(held.status, ReceiveStatus::packets);
  EXPECT_EQ(memories_mapped(), 2U) << "the publisher's and ours";
  const pid_t child = ::fork();
  if (child == 0) {
    void* const there = const_cast<std::byte*>(held.batch[0].data());
    const auto page = std::bit_cast<std::uintptr_t>(there) / 4096 * 4096;
    auto* const own = static_cast<int*>(::mmap(std::bit_cast<void*>(page), 4096, PROT_READ | PROT_WRITE,
                                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    if (own == MAP_FAILED || memories_mapped() != 1) ::_exit(1);
    *own = 7;
    held.batch.reset();
    source.reset();
    ::_exit(*own == 7 ? 0 : 2);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(fixture::read_numbered_frame(held.batch[0].bytes()).intact);
}

TEST_F(LentMemory, ThereAreOnlySoManyPlaces) {
  Source source = open();
  for (std::uint32_t round = 0; round < memory_places + 2; ++round) {
    publisher_->lend_in_place({.batches = 4});
    publisher_->send(32);
    expect_frames(source, 32 * round, 32);
    expect_all_back();
  }
  EXPECT_EQ(publisher_->stats().copied_bytes, 2U * 32 * 200) << "what has no place is copied";
}

TEST_F(LentMemory, WhoKeepsASourceFromGoingIsEvicted) {
  publisher_.reset();
  publisher_.emplace(PublisherOptions{.name = "test", .geometry = test::small_geometry, .hold_limit = 1ms});
  publisher_->lend_in_place();
  Source holder = open();
  Source other = open();
  publisher_->send(32);
  const Received held = holder.receive(patience);
  ASSERT_EQ(held.batch.size(), 32U);
  expect_frames(other, 0, 32);
  std::this_thread::sleep_for(10ms);
  EXPECT_EQ(publisher_->stats().evicted, 0U) << "who merely looks on misses nothing";
  publisher_->with([](Publisher& publisher) { publisher.recall(); });
  expect_all_back();
  EXPECT_EQ(publisher_->stats().evicted, 1U);
  EXPECT_EQ(holder.receive(patience).status, ReceiveStatus::end_of_stream);
  ASSERT_NE(holder.failure(), nullptr);
  EXPECT_THAT(holder.failure()->message(), HasSubstr("took the packets back"));
  publisher_->send(32);
  expect_frames(other, 32, 32);
}

TEST_F(LentMemory, WhoLeaksBatchesIsEvictedWhenOthersGetCopiesForIt) {
  publisher_.reset();
  publisher_.emplace(PublisherOptions{.name = "test", .geometry = test::small_geometry, .hold_limit = 50ms});
  publisher_->lend_in_place({.batches = 64, .lendable = 18});
  Source leaking = open();
  Source other = open();
  std::uint64_t next = 0;
  const auto send_to_both = [&] {
    publisher_->send(32);
    expect_frames(other, next, 32);
    next += 32;
    return leaking.receive(0ms).batch;
  };
  std::vector<Batch> leaked;
  while (leaked.size() < 17) leaked.push_back(send_to_both());
  EXPECT_EQ(publisher_->stats().copied_bytes, 0U);
  EXPECT_EQ(publisher_->stats().evicted, 0U);
  wait_until([&] {
    (void)send_to_both();  // far from all that it may hold, and it goes on giving back
    return publisher_->stats().evicted == 1;
  });
  const std::uint64_t copied = publisher_->stats().copied_bytes;
  EXPECT_GT(copied, 0U);
  while (leaking.receive(0ms).status == ReceiveStatus::packets) continue;
  for (int turn = 0; turn < 20; ++turn) (void)send_to_both();
  EXPECT_EQ(publisher_->stats().copied_bytes, copied) << "zero-copy is back";
  EXPECT_EQ(publisher_->stats().evicted, 1U);
  ASSERT_NE(leaking.failure(), nullptr);
  EXPECT_THAT(leaking.failure()->message(), HasSubstr("took the packets back"));
  expect_all_back();
}

TEST_F(LentMemory, AfterThePublishersEndWhatWasLentCanBeRead) {
  Source source = open();
  publisher_->send(320);
  publisher_->end();
  EXPECT_EQ(publisher_->lendable().lent(), 0U);
  expect_frames(source, 0, 320);
  EXPECT_EQ(source.receive(patience).status, ReceiveStatus::end_of_stream);
  EXPECT_EQ(source.failure(), nullptr);
}

}  // namespace
}  // namespace ringtail::share
