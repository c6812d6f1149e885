#include "ring/hand_over_queue.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <thread>

namespace ringtail::ring {
namespace {

using Parcel = std::unique_ptr<std::uint32_t>;

TEST(HandOverQueue, KeepsOrderAndLeavesTheItemWithTheCallerWhenFull) {
  HandOverQueue<Parcel> queue(4);
  Parcel parcel;
  EXPECT_FALSE(queue.pop(parcel));
  EXPECT_FALSE(queue.has_item());
  for (std::uint32_t number = 0; number < 4; ++number) EXPECT_TRUE(queue.push(std::make_unique<std::uint32_t>(number)));
  Parcel fifth = std::make_unique<std::uint32_t>(4);
  EXPECT_FALSE(queue.push(std::move(fifth)));
  ASSERT_NE(fifth, nullptr);
  for (std::uint32_t number = 0; number < 4; ++number) {
    EXPECT_TRUE(queue.has_item());
    ASSERT_TRUE(queue.pop(parcel));
    EXPECT_EQ(*parcel, number);
  }
  EXPECT_FALSE(queue.pop(parcel));
}

TEST(HandOverQueue, SaysHowMuchRoomThereIs) {
  HandOverQueue<Parcel> queue(4);
  EXPECT_TRUE(queue.has_room(4));
  EXPECT_FALSE(queue.has_room(5));
  for (std::uint32_t number = 0; number < 3; ++number) EXPECT_TRUE(queue.push(std::make_unique<std::uint32_t>(number)));
  EXPECT_TRUE(queue.has_room());
  EXPECT_FALSE(queue.has_room(2));
  Parcel parcel;
  ASSERT_TRUE(queue.pop(parcel));
  EXPECT_TRUE(queue.has_room(2));
}

TEST(HandOverQueue, KeepsNothingOfWhatHasBeenTaken) {
  HandOverQueue<std::shared_ptr<int>> queue(2);
  auto kept = std::make_shared<int>(1);
  ASSERT_TRUE(queue.push(std::shared_ptr(kept)));
  std::shared_ptr<int> taken;
  ASSERT_TRUE(queue.pop(taken));
  taken.reset();
  EXPECT_EQ(kept.use_count(), 1);
}

TEST(HandOverQueue, LosesAndDoublesNothingBetweenThreads) {
  constexpr std::uint32_t parcels = 200'000;
  HandOverQueue<Parcel> queue(16);
  std::thread producer([&queue] {
    for (std::uint32_t number = 0; number < parcels; ++number) {
      Parcel parcel = std::make_unique<std::uint32_t>(number);
      while (!queue.push(std::move(parcel))) std::this_thread::yield();
    }
  });
  std::uint32_t expected = 0;
  std::uint32_t wrong = 0;
  while (expected < parcels) {
    Parcel parcel;
    if (!queue.pop(parcel)) {
      std::this_thread::yield();
    } else if (*parcel != expected++) {
      ++wrong;
    }
  }
  producer.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_FALSE(queue.has_item());
}

}  // namespace
}  // namespace ringtail::ring
