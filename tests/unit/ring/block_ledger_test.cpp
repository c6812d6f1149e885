#include "ring/block_ledger.hpp"

#include <gtest/gtest.h>

namespace ringtail::ring {
namespace {

TEST(BlockLedger, ABlockGoesBackOnceWithItsLastHolderWhoeverThatIs) {
  BlockLedger ledger(2);
  ledger.begin_walk(0);
  ledger.lend(0);
  ledger.lend(0);
  EXPECT_FALSE(ledger.done(0));  // a batch
  EXPECT_FALSE(ledger.done(0));  // the walk: a batch is still out
  EXPECT_TRUE(ledger.is_held(0));
  EXPECT_TRUE(ledger.done(0));
  EXPECT_TRUE(ledger.is_held(0)) << "held until the status word is stored";
  ledger.returned(0);
  EXPECT_FALSE(ledger.is_held(0));
  EXPECT_FALSE(ledger.is_held(1));
}

TEST(BlockLedger, AWalkHoldsTheBlockWhenAllItsBatchesAreBack) {
  BlockLedger ledger(1);
  ledger.begin_walk(0);
  ledger.lend(0);
  EXPECT_FALSE(ledger.done(0));
  EXPECT_TRUE(ledger.is_held(0));
  EXPECT_TRUE(ledger.done(0));
}

TEST(BlockLedgerDeathTest, GivingBackTooOftenEndsTheProgram) {
  BlockLedger ledger(1);
  EXPECT_DEATH((void)ledger.done(0), "as often as it was lent");
}

}  // namespace
}  // namespace ringtail::ring
