#include "packet_budget.hpp"

#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace ringtail::tools {
namespace {

TEST(PacketBudget, WithoutALimitGrantsEverything) {
  PacketBudget budget(std::nullopt);
  EXPECT_EQ(budget.take(65536), 65536U);
  EXPECT_FALSE(budget.is_exhausted());
}

TEST(PacketBudget, GrantsWhatIsLeftAndThenNothing) {
  PacketBudget budget(300);
  EXPECT_EQ(budget.take(256), 256U);
  EXPECT_FALSE(budget.is_exhausted());
  EXPECT_EQ(budget.take(256), 44U);
  EXPECT_TRUE(budget.is_exhausted());
  EXPECT_EQ(budget.take(1), 0U);
}

TEST(PacketBudget, TakingNothingChangesNothing) {
  PacketBudget budget(1);
  EXPECT_EQ(budget.take(0), 0U);
  EXPECT_FALSE(budget.is_exhausted());
}

TEST(PacketBudget, IsExactAcrossThreads) {
  constexpr std::uint64_t limit = 100'003;
  PacketBudget budget(limit);
  std::atomic<std::uint64_t> granted{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      std::uint64_t mine = 0;
      while (!budget.is_exhausted()) mine += budget.take(7);
      granted += mine;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(granted.load(), limit);
}

}  // namespace
}  // namespace ringtail::tools
