#include "ring/published.hpp"

#include <gtest/gtest.h>
#include <thread>

namespace ringtail::ring {
namespace {

/// All members alike, unless a reader was given a mixture.
struct Figures {
  std::array<std::uint64_t, 40> same{};
  std::uint32_t odd_sized = 0;
};

TEST(Published, IsZeroBeforeTheFirst) {
  const Published<Figures> published;
  EXPECT_EQ(published.read().same[39], 0U);
}

TEST(Published, ShowsTheLatest) {
  Published<Figures> published;
  Figures figures;
  figures.same.fill(7);
  figures.odd_sized = 3;
  published.publish(figures);
  figures.same.fill(8);
  published.publish(figures);
  EXPECT_EQ(published.read().same[0], 8U);
  EXPECT_EQ(published.read().odd_sized, 3U);
}

TEST(Published, NeverShowsAMixture) {
  Published<Figures> published;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    Figures figures;
    for (std::uint64_t number = 1; number <= 50'000; ++number) {
      figures.same.fill(number);
      published.publish(figures);
    }
    done = true;
  });
  std::uint64_t latest = 0;
  while (!done) {
    const Figures seen = published.read();
    for (const std::uint64_t value : seen.same) ASSERT_EQ(value, seen.same[0]);
    ASSERT_GE(seen.same[0], latest);
    latest = seen.same[0];
  }
  writer.join();
  EXPECT_EQ(published.read().same[0], 50'000U);
}

}  // namespace
}  // namespace ringtail::ring
