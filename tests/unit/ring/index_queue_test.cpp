#include "ring/index_queue.hpp"

#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace ringtail::ring {
namespace {

TEST(IndexQueue, KeepsOrderAndReportsFullAndEmpty) {
  IndexQueue queue(4);
  std::uint32_t value = 0;
  EXPECT_FALSE(queue.pop(value));
  for (std::uint32_t next = 10; next < 14; ++next) EXPECT_TRUE(queue.push(next));
  EXPECT_FALSE(queue.push(99));
  for (std::uint32_t expected = 10; expected < 14; ++expected) {
    ASSERT_TRUE(queue.pop(value));
    EXPECT_EQ(value, expected);
  }
  EXPECT_FALSE(queue.pop(value));
}

TEST(IndexQueue, WorksForManyLaps) {
  IndexQueue queue(2);
  for (std::uint32_t lap = 0; lap < 100'000; ++lap) {
    std::uint32_t value = 0;
    ASSERT_TRUE(queue.push(lap));
    ASSERT_TRUE(queue.pop(value));
    ASSERT_EQ(value, lap);
  }
}

TEST(IndexQueue, LosesAndDoublesNothingBetweenThreads) {
  constexpr std::uint32_t per_producer = 50'000;
  constexpr std::uint32_t producers = 3;
  IndexQueue queue(64);
  std::vector<std::thread> threads;
  for (std::uint32_t producer = 0; producer < producers; ++producer) {
    threads.emplace_back([&queue, producer] {
      for (std::uint32_t item = 0; item < per_producer; ++item) {
        while (!queue.push(producer * per_producer + item)) std::this_thread::yield();
      }
    });
  }
  std::vector<bool> seen(std::size_t{producers} * per_producer, false);
  for (std::size_t received = 0; received < seen.size(); ++received) {
    std::uint32_t value = 0;
    while (!queue.pop(value)) std::this_thread::yield();
    ASSERT_LT(value, seen.size());
    ASSERT_FALSE(seen[value]) << "twice: " << value;
    seen[value] = true;
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace ringtail::ring
