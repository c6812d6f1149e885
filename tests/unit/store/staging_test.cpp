#include "store/staging.hpp"

#include <gtest/gtest.h>
#include <thread>

namespace ringtail::store {
namespace {

TEST(StagingPool, LendsAFixedNumberOfPageAlignedBuffers) {
  const auto pool = StagingPool::create(2, 8192);
  ASSERT_TRUE(pool);
  StagingBuffer first = (*pool)->take();
  StagingBuffer second = (*pool)->take();
  ASSERT_TRUE(first.is_held() && second.is_held());
  EXPECT_NE(first.memory().data(), second.memory().data());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first.memory().data()) % StagingPool::alignment, 0U);
  EXPECT_EQ(first.memory().size(), 8192U);
  EXPECT_FALSE((*pool)->take().is_held());
  first = StagingBuffer();
  EXPECT_TRUE((*pool)->take().is_held());
}

TEST(StagingPool, WhoWaitsGetsWhatAnotherThreadGivesBack) {
  const auto pool = StagingPool::create(1, 4096);
  ASSERT_TRUE(pool);
  for (int round = 0; round < 1000; ++round) {
    StagingBuffer buffer = (*pool)->wait();
    std::thread giver([held = std::move(buffer)]() mutable { held.reset(); });
    EXPECT_TRUE((*pool)->wait().is_held());
    giver.join();
  }
}

}  // namespace
}  // namespace ringtail::store
