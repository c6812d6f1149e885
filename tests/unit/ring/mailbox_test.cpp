#include "ring/mailbox.hpp"

#include <gtest/gtest.h>
#include <thread>

namespace ringtail::ring {
namespace {

TEST(Mailbox, HoldsOneLetter) {
  Mailbox<int> box;
  EXPECT_EQ(box.take(), nullptr);
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  EXPECT_TRUE(box.post(first));
  EXPECT_FALSE(box.post(second));
  ASSERT_NE(second, nullptr) << "a letter that did not fit stays with its sender";
  EXPECT_EQ(*box.take(), 1);
  EXPECT_EQ(box.take(), nullptr);
  EXPECT_TRUE(box.post(second));
}

TEST(Mailbox, DestroysWhatNobodyTook) {
  auto letter = std::make_shared<int>(1);
  {
    Mailbox<std::shared_ptr<int>> box;
    auto post = std::make_unique<std::shared_ptr<int>>(letter);
    EXPECT_TRUE(box.post(post));
  }
  EXPECT_EQ(letter.use_count(), 1);
}

TEST(Mailbox, CarriesEveryLetterOnceAndInOrder) {
  constexpr int letters = 20'000;
  Mailbox<int> box;
  std::thread sender([&box] {
    for (int number = 0; number < letters; ++number) {
      auto letter = std::make_unique<int>(number);
      while (!box.post(letter)) std::this_thread::yield();
    }
  });
  for (int expected = 0; expected < letters; ++expected) {
    std::unique_ptr<int> letter;
    while (!(letter = box.take())) std::this_thread::yield();
    ASSERT_EQ(*letter, expected);
  }
  sender.join();
}

}  // namespace
}  // namespace ringtail::ring
