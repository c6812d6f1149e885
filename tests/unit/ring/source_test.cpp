#include <algorithm>
#include <gtest/gtest.h>
#include <optional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <ringtail/source.hpp>

#include "fixture/memory_backend.hpp"

namespace ringtail {
namespace {

using namespace std::chrono_literals;

TEST(Source, LendsPacketsInOrderAndEndsWhenTheBackEndDoes) {
  auto* backend = test::MemoryBackend::create({test::make_ethernet_interface("memory0")}, 2);
  Source source = test::make_source(backend);
  for (std::uint64_t number = 0; number < 3; ++number) backend->push(test::make_numbered_packet(number, 60 + number));
  backend->end();

  auto [status, first] = source.receive(0ns);
  ASSERT_EQ(status, ReceiveStatus::packets);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[1].captured_length(), 61U);
  const Received second = source.receive(0ns);
  ASSERT_EQ(second.status, ReceiveStatus::packets);
  EXPECT_EQ(second.batch[0].captured_length(), 62U);
  EXPECT_EQ(source.receive(0ns).status, ReceiveStatus::end_of_stream);
  EXPECT_EQ(backend->lent(), 2U);
  first.reset();
  EXPECT_EQ(backend->lent(), 1U);
}

TEST(Source, CountsWhatABatchLimitCutsOffAsUnread) {
  auto* backend = test::MemoryBackend::create();
  Source source = test::make_source(backend);
  for (std::uint64_t number = 0; number < 10; ++number) backend->push(test::make_numbered_packet(number, 60));
  backend->set_drops(5, 1);
  Received received = source.receive(0ns);
  received.batch.keep_first(4);
  const Stats stats = source.stats();
  EXPECT_EQ(stats.received, 15U);
  EXPECT_EQ(stats.delivered, 4U);
  EXPECT_EQ(stats.delivered_bytes, 240U);
  EXPECT_EQ(stats.unread, 6U);
  EXPECT_EQ(stats.received, stats.delivered + stats.dropped_ring + stats.unread);
}

TEST(Source, ABatchOutlivesIt) {
  auto* backend = test::MemoryBackend::create();
  Batch batch;
  {
    Source source = test::make_source(backend);
    backend->push(test::make_numbered_packet(7, 64));
    batch = source.receive(0ns).batch;
  }
  ASSERT_EQ(batch.size(), 1U);
  EXPECT_EQ(batch[0].bytes()[21], std::byte{7});
}

/// The exit status of a child that does this.
template <typename Function>
int in_a_child(Function function) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(function());
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Source, EndsInAChildOfItsProcessWhichCannotDisturbIt) {
  auto* backend = test::MemoryBackend::create();
  std::optional<Source> source = test::make_source(backend);
  backend->push(test::make_numbered_packet(1, 60));
  backend->push(test::make_numbered_packet(2, 60));
  Received received = source->receive(0ns);
  const std::uint32_t lent = backend->lent();
  const int in_child = in_a_child([&] {
    const bool has_ended = source->receive(0ns).status == ReceiveStatus::end_of_stream && source->failure() != nullptr;
    source->stop();
    received.batch.reset();
    source.reset();
    const bool is_left_alone = backend->lent() == lent;  // the child's copy of it, as shared memory would be
    Source own = test::make_source(test::MemoryBackend::create());
    return has_ended && is_left_alone && own.receive(0ns).status == ReceiveStatus::timeout ? 0 : 1;
  });
  EXPECT_EQ(in_child, 0);
  EXPECT_EQ(source->failure(), nullptr);
  received.batch.reset();
  EXPECT_EQ(backend->lent(), lent - 1);
}

TEST(Source, ASharedBatchGoesBackOnceWithItsLastHolder) {
  auto* backend = test::MemoryBackend::create();
  Source source = test::make_source(backend);
  for (int order = 0; order < 3; ++order) {
    backend->push(test::make_numbered_packet(7, 64));
    std::vector<Batch> holders;
    holders.push_back(source.receive(0ns).batch);
    for (int more = 0; more < 2; ++more) holders.push_back(detail::share(holders.back()));
    std::rotate(holders.begin(), holders.begin() + order, holders.end());
    holders.pop_back();
    holders.erase(holders.begin());
    EXPECT_EQ(backend->lent(), 1U);
    EXPECT_EQ(holders.front()[0].bytes()[21], std::byte{7});
    holders.clear();
    EXPECT_EQ(backend->lent(), 0U);
  }
  EXPECT_TRUE(detail::share(Batch()).empty());
  EXPECT_EQ(source.stats().delivered, 3U);
}

TEST(Source, HoldersOfASharedBatchMayBeOnThreadsOfTheirOwn) {
  auto* backend = test::MemoryBackend::create();
  Source source = test::make_source(backend);
  for (int round = 0; round < 200; ++round) {
    backend->push(test::make_numbered_packet(7, 64));
    Batch batch = source.receive(0ns).batch;
    std::thread other([shared = detail::share(batch)]() mutable {
      EXPECT_EQ(shared[0].bytes()[21], std::byte{7});
      shared.reset();
    });
    EXPECT_EQ(batch[0].bytes()[21], std::byte{7});
    batch.reset();
    other.join();
    ASSERT_EQ(backend->lent(), 0U);
  }
}

}  // namespace
}  // namespace ringtail
