// The ways into a file on a synthetic ring, as the bench runs them: each must put every packet into its file.
#include "bench/copy_table.hpp"

#include <algorithm>
#include <filesystem>
#include <gmock/gmock.h>
#include <unistd.h>

#include "bench/way_runner.hpp"

namespace ringtail::bench {
namespace {

class CopyTableTest : public testing::Test {
 protected:
  CopyTableTest() { std::filesystem::create_directory(directory_); }
  ~CopyTableTest() override { std::filesystem::remove_all(directory_); }

  const std::string directory_ = testing::TempDir() + "/bench_" + std::to_string(::getpid());
};

/// More blocks than the ring has, so that it wraps.
TEST_F(CopyTableTest, EveryWayWritesAllPacketsOrSaysWhyItCannot) {
  CopyTableSettings settings;
  settings.traffics = {*Traffic::parse("64"), *Traffic::parse("mix")};
  settings.ring_mib = 4;
  settings.blocks = 6;
  settings.rounds = 2;
  settings.directory = directory_;
  const auto table = make_copy_table(settings, [](const std::string&) {});
  ASSERT_TRUE(table) << table.error().message();
  ASSERT_EQ(table->rows.size(), 2 * ways().size());
  std::size_t with_figures = 0;
  for (const CopyTableRow& row : table->rows) {
    SCOPED_TRACE(row.way->name + ", " + row.traffic);
    if (!row.unavailable.empty()) {
      EXPECT_THAT(row.unavailable, testing::Not(testing::HasSubstr("its file holds")));
      continue;
    }
    ++with_figures;
    EXPECT_EQ(row.figures.rounds, 2U);
    EXPECT_GT(row.figures.captured_packets, 0U);
    EXPECT_EQ(row.figures.lost_packets(), 0);
    EXPECT_GT(row.figures.cpu_ns_per_packet.most, 0);
    EXPECT_GE(row.figures.copies_per_byte, 1);
    EXPECT_GE(row.figures.file_bytes_per_byte, 1);
  }
  EXPECT_GE(with_figures, 2 * 3U);  // those that need nothing special
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(CopyTableTest, AWayThatFailsTellsItsReason) {
  const auto traffic = Traffic::parse("64");
  auto runner = WayRunner::create({.ring_mib = 4, .link = nullptr, .path = directory_ + "/file", .cpu = -1}, *traffic);
  ASSERT_TRUE(runner);
  Way way;
  way.name = "broken";
  way.from_ring = [](Source&, const std::string&) -> Result<WayBooks> {
    return tl::unexpected(make_error("try", "no luck today"));
  };
  const auto outcome = runner->run(way, {.blocks = 20}, false);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, "no luck today");
}

TEST_F(CopyTableTest, AThoroughRunBelievesTheFileAndNotTheWay) {
  const auto traffic = Traffic::parse("64");
  auto runner = WayRunner::create({.ring_mib = 4, .link = nullptr, .path = directory_ + "/file", .cpu = -1}, *traffic);
  ASSERT_TRUE(runner);
  const auto honest = std::find_if(ways().begin(), ways().end(), [](const Way& w) { return w.name == "copy + write"; });
  ASSERT_NE(honest, ways().end());
  Way boastful = *honest;
  boastful.from_ring = [&](Source& source, const std::string& path) {
    auto books = honest->from_ring(source, path);
    books->packets += 1000;
    return books;
  };
  const auto outcome = runner->run(boastful, {.blocks = 2}, true);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->account.captured_packets, outcome->account.offered_packets);
}

}  // namespace
}  // namespace ringtail::bench
