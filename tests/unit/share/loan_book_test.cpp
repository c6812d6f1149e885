#include "share/loan_book.hpp"

#include <gtest/gtest.h>

namespace ringtail::share {
namespace {

using namespace std::chrono_literals;

constexpr LoanBook::Clock::time_point early{1s};
constexpr LoanBook::Clock::time_point late{2s};

TEST(LoanBook, ASlotIsFreeAgainWhenItsLastHolderGivesItBack) {
  LoanBook book(2);
  const auto slot = book.take_free();
  ASSERT_TRUE(slot);
  book.lend(*slot, 0, early);
  book.lend(*slot, 63, early);
  book.settle(*slot);
  EXPECT_EQ(book.free_slots(), 1U);
  EXPECT_TRUE(book.give_back(*slot, 63));
  EXPECT_EQ(book.free_slots(), 1U);
  EXPECT_TRUE(book.give_back(*slot, 0));
  EXPECT_EQ(book.free_slots(), 2U);
}

TEST(LoanBook, ASlotThatNobodyTookIsFreeAtOnce) {
  LoanBook book(1);
  const auto slot = book.take_free();
  EXPECT_FALSE(book.take_free());
  book.settle(*slot);
  EXPECT_EQ(book.take_free(), slot);
}

TEST(LoanBook, OnlyAHolderCanGiveBackAndOnlyOnce) {
  LoanBook book(2);
  const auto slot = *book.take_free();
  book.lend(slot, 1, early);
  book.settle(slot);
  EXPECT_FALSE(book.give_back(slot, 2)) << "another client";
  EXPECT_FALSE(book.give_back(1 - slot, 1)) << "a free slot";
  EXPECT_FALSE(book.give_back(2, 1)) << "one past the end";
  EXPECT_FALSE(book.give_back(0xffffffff, 1));
  EXPECT_TRUE(book.give_back(slot, 1));
  EXPECT_FALSE(book.give_back(slot, 1)) << "twice";
  EXPECT_EQ(book.free_slots(), 2U);
  EXPECT_EQ(book.held(1), 0U);
}

TEST(LoanBook, ADeadClientReturnsEverythingAndNobodyElseLosesAnything) {
  LoanBook book(8);
  for (int count = 0; count < 8; ++count) {
    const auto slot = *book.take_free();
    book.lend(slot, 5, early);
    if (slot % 2 == 0) book.lend(slot, 6, early);
    book.settle(slot);
  }
  EXPECT_EQ(book.held(5), 8U);
  book.forget(5);
  EXPECT_EQ(book.held(5), 0U);
  EXPECT_EQ(book.held(6), 4U);
  EXPECT_EQ(book.free_slots(), 4U);
  for (std::uint32_t slot = 0; slot < 8; ++slot) EXPECT_EQ(book.give_back(slot, 6), slot % 2 == 0);
}

TEST(LoanBook, KnowsWhoHoldsSomethingForTooLong) {
  LoanBook book(4);
  const auto old = *book.take_free();
  book.lend(old, 0, early);
  const auto fresh = *book.take_free();
  book.lend(fresh, 1, late);
  EXPECT_TRUE(book.holds_since(0, late));
  EXPECT_FALSE(book.holds_since(0, early)) << "not before the limit";
  EXPECT_FALSE(book.holds_since(1, late));
  EXPECT_TRUE(book.give_back(old, 0));
  EXPECT_FALSE(book.holds_since(0, late));
}

}  // namespace
}  // namespace ringtail::share
