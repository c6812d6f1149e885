#include "share/loan_book.hpp"

#include <gtest/gtest.h>

namespace ringtail::share {
namespace {

TEST(LoanBook, ASlotIsFreeAgainWhenItsLastHolderGivesItBack) {
  LoanBook book(2);
  const auto slot = book.take_free();
  ASSERT_TRUE(slot);
  book.lend(*slot, 0);
  book.lend(*slot, 63);
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
  book.lend(slot, 1);
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
    book.lend(slot, 5);
    if (slot % 2 == 0) book.lend(slot, 6);
    book.settle(slot);
  }
  EXPECT_EQ(book.held(5), 8U);
  book.forget(5);
  EXPECT_EQ(book.held(5), 0U);
  EXPECT_EQ(book.held(6), 4U);
  EXPECT_EQ(book.free_slots(), 4U);
  for (std::uint32_t slot = 0; slot < 8; ++slot) EXPECT_EQ(book.give_back(slot, 6), slot % 2 == 0);
}

}  // namespace
}  // namespace ringtail::share
