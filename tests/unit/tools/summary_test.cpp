#include "summary.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace ringtail::tools {
namespace {

using nlohmann::json;
using testing::HasSubstr;

Summary example() {
  Summary summary;
  summary.elapsed_seconds = 2.5;
  Stats stats{.received = 112, .delivered = 100, .dropped_ring = 10, .unread = 2, .dropped_interface = 3};
  summary.sources = {{"eth0", "tpacket", stats}, {"eth1", "tpacket", {.received = 50, .delivered = 50}}};
  summary.written.written_packets = 149;
  summary.written.dropped_writer = 1;
  summary.written.files = {"a.pcapng"};
  summary.written.files_total = 1;
  summary.usage = {.user_seconds = 0.001, .system_seconds = 0.002, .voluntary_switches = 5, .involuntary_switches = 6};
  return summary;
}

TEST(SummaryJson, HasExactlyTheAgreedNames) {
  Summary failed = example();
  failed.error = make_error("write a.pcapng", "No space left on device");
  const std::string expected =
      R"({"version":"","elapsed_seconds":2.5,)"
      R"("sources":[{"name":"eth0","backend":"tpacket","received":112,"delivered":100,"dropped_ring":10,"unread":2,)"
      R"("dropped_interface":3,"freezes":0,"truncated":0},)"
      R"({"name":"eth1","backend":"tpacket","received":50,"delivered":50,"dropped_ring":0,"unread":0,)"
      R"("dropped_interface":0,"freezes":0,"truncated":0}],)"
      R"("delivered":150,"written_packets":149,"dropped_writer":1,"captured_bytes":0,"written_bytes":0,)"
      R"("files":["a.pcapng"],"files_total":1,"writer":"",)"
      R"("layout":{"dilated_chunks":0,"compacted_chunks":0,"copied_bytes":0},)"
      R"("cpu_seconds":{"user":0.001,"system":0.002},"cpu_ns_per_packet":20000.0,)"
      R"("context_switches":{"voluntary":5,"involuntary":6},"error":"write a.pcapng: No space left on device"})";
  json actual = json::parse(to_json(failed));
  EXPECT_FALSE(actual["version"].get<std::string>().empty());
  actual["version"] = "";
  EXPECT_EQ(actual, json::parse(expected));
}

TEST(SummaryJson, IsOneLineWithAllThatIsLargeAndOddInIt) {
  Summary summary = example();
  summary.sources[0].stats.received = 0xffff'ffff'ffff'ffffU;
  summary.written.files = {"new\nline", "no \xff utf-8", "\"quoted\""};
  const std::string text = to_json(summary);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_EQ(json::parse(text)["sources"][0]["received"].get<std::uint64_t>(), 0xffff'ffff'ffff'ffffU);
  EXPECT_EQ(json::parse(text)["error"], nullptr);
}

TEST(SummaryJson, OfNothingIsStillWhole) {
  const json empty = json::parse(to_json(Summary{}));
  EXPECT_EQ(empty["sources"], json::array());
  EXPECT_EQ(empty["cpu_ns_per_packet"], 0.0);
}

TEST(Books, AreShownOverAllSources) {
  EXPECT_EQ(books_text(example()), "received = delivered + dropped + unread: 162 = 150 + 10 + 2\n");
  Summary clean = example();
  clean.sources.erase(clean.sources.begin());
  EXPECT_EQ(books_text(clean), "received = delivered + dropped: 50 = 50 + 0\n");
}

TEST(RecorderStatsSum, KeepsTheLastHundredNames) {
  RecorderStats total;
  for (int thread = 0; thread < 3; ++thread) {
    RecorderStats part;
    for (int file = 0; file < 60; ++file) part.files.push_back(std::to_string(thread) + "." + std::to_string(file));
    part.files_total = 60;
    add(total, part);
  }
  EXPECT_EQ(total.files_total, 180U);
  ASSERT_EQ(total.files.size(), 100U);
  EXPECT_EQ(total.files.back(), "2.59");
}

TEST(SummaryOutput, OfABadPathIsKnownBeforeTheCapture) {
  const auto output = SummaryOutput::open("/no/such/directory/summary.json");
  ASSERT_FALSE(output.has_value());
  EXPECT_THAT(output.error().message(), HasSubstr("/no/such/directory/summary.json"));
}

TEST(SummaryOutput, ToAFullDeviceIsAnError) {
  auto output = SummaryOutput::open("/dev/full");
  ASSERT_TRUE(output.has_value());
  EXPECT_THAT(output->write(to_json(example())).error().message(), HasSubstr("No space left"));
}

}  // namespace
}  // namespace ringtail::tools
