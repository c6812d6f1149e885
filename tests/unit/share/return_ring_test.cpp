// Honest clients with many threads, and clients that write anything at all.
#include "share/return_ring.hpp"

#include <gtest/gtest.h>
#include <random>
#include <thread>
#include <vector>

#include "share/loan_book.hpp"

namespace ringtail::share {
namespace {

constexpr std::uint32_t capacity = 16;

class ReturnRing : public testing::Test {
 protected:
  std::vector<Return> entries_ = std::vector<Return>(capacity);
  ReturnWriter writer_{entries_.data(), capacity};
  ReturnReader reader_{entries_.data(), capacity};
};

TEST_F(ReturnRing, FreshMemoryHoldsNone) {
  EXPECT_FALSE(reader_.next());
}

TEST_F(ReturnRing, KeepsTheOrderOverManyLaps) {
  for (std::uint32_t lap = 0; lap < 1'000; ++lap) {
    for (std::uint32_t slot = 0; slot < capacity; ++slot) writer_.give_back((slot * 7) % capacity);
    for (std::uint32_t slot = 0; slot < capacity; ++slot) ASSERT_EQ(reader_.next(), (slot * 7) % capacity);
    ASSERT_FALSE(reader_.next()) << "the entries of this lap are none of the next";
  }
}

// Slots go round: lent while there are any, given back by four threads at once.
TEST_F(ReturnRing, ManyThreadsMayGiveBackAtOnce) {
  constexpr std::uint32_t rounds = 20'000;
  LoanBook book(capacity);
  std::vector<std::atomic<std::uint32_t>> lent(capacity);  // 1: a thread may take it
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int count = 0; count < 4; ++count) {
    threads.emplace_back([&] {
      while (!done.load()) {
        for (std::uint32_t slot = 0; slot < capacity; ++slot) {
          if (lent[slot].exchange(0) == 1) writer_.give_back(slot);
        }
        std::this_thread::yield();
      }
    });
  }
  for (std::uint32_t round = 0; round < rounds;) {
    while (const auto slot = reader_.next()) ASSERT_TRUE(book.give_back(*slot, 0));
    const auto slot = book.take_free();
    if (!slot) {
      std::this_thread::yield();
      continue;
    }
    book.lend(*slot, 0);
    lent[*slot].store(1);
    ++round;
  }
  while (book.free_slots() != capacity) {
    if (const auto slot = reader_.next()) {
      ASSERT_TRUE(book.give_back(*slot, 0));
    }
  }
  done.store(true);
  for (std::thread& thread : threads) thread.join();
}

// The worst a client can do: any bits in any entry at any time. The reader ends by itself, and the book lets nothing
// through that the client does not hold.
TEST_F(ReturnRing, RandomBytesGiveBackOnlyWhatIsHeld) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    LoanBook book(capacity);
    for (std::uint32_t count = 0; count < capacity / 2; ++count) {
      const auto slot = *book.take_free();
      book.lend(slot, 0);
      book.lend(slot, 1);
    }
    ReturnReader reader(entries_.data(), capacity);
    for (std::uint64_t position = 0; position < capacity; ++position) {
      const bool plausible = random() % 4 != 0;
      entries_[position].store(plausible ? encode_return(position, static_cast<std::uint32_t>(random() % 20))
                                         : random());
    }
    std::uint32_t accepted = 0;
    for (auto slot = reader.next(); slot && book.give_back(*slot, 0); slot = reader.next()) ++accepted;
    ASSERT_LE(accepted, capacity / 2);
    ASSERT_EQ(book.held(0), capacity / 2 - accepted);
    ASSERT_EQ(book.held(1), capacity / 2) << "another client keeps what it has";
  }
}

}  // namespace
}  // namespace ringtail::share
