#include "bench/findings.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "bench/svg.hpp"
#include "bench/text_table.hpp"

namespace ringtail::bench {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

Figures make_figures(double cpu_ns, std::uint64_t captured) {
  Figures figures;
  figures.rounds = 5;
  figures.offered_packets = 1'000'000;
  figures.captured_packets = captured;
  figures.cpu_ns_per_packet = {cpu_ns, cpu_ns - 5, cpu_ns + 5};
  figures.copies_per_byte = 1.25;
  return figures;
}

Findings make_findings() {
  Findings findings;
  findings.version = "1.2.3";
  findings.command = "ringtail bench";
  findings.machine.processor = "Testing Processor <2>";
  findings.machine.processors = 2;
  findings.machine.optimised = true;
  findings.plan = default_plan();
  findings.field.contestants = {{"ringtail", "ringtail 1.2.3", {"ringtail", "capture", "-w", "FILE"}, {}},
                                {"tcpdump", "tcpdump 4", {"tcpdump", "-w", "FILE"}, 1}};
  findings.field.absent = {"dumpcap: it is not installed"};
  findings.race = {{"512", "ringtail", "", {900'000, 890'000, 910'000}, make_figures(100, 1'000'000)},
                   {"512", "tcpdump", "", {900'000, 890'000, 910'000}, make_figures(600, 987'654)}};
  RateRow rate;
  rate.traffic = "512";
  rate.contestant = "tcpdump";
  rate.trials = {{800'000, 100, 99}, {400'000, 50, 50}};
  rate.bounds = bounds_of(rate.trials);
  findings.rates = {rate};
  CopyTableRow row;
  row.traffic = "512";
  row.way = &ways().front();
  row.unavailable = "it is raining";
  findings.table = CopyTable{"pages of a real ring", {row}};
  return findings;
}

TEST(Findings, AsTextTellLossesAbsencesAndCommands) {
  const std::string text = to_text(make_findings());
  EXPECT_THAT(text, HasSubstr("12346 (1.23 %)"));
  EXPECT_THAT(text, HasSubstr("100 (95-105)"));
  EXPECT_THAT(text, HasSubstr("1/6.0"));
  EXPECT_THAT(text, HasSubstr("absent: dumpcap: it is not installed"));
  EXPECT_THAT(text, HasSubstr("tcpdump -w FILE"));
  EXPECT_THAT(text, HasSubstr("not run: it is raining"));
  EXPECT_THAT(text, HasSubstr("Testing Processor <2>"));
}

TEST(Findings, AsJsonKeepEveryFigure) {
  const Json json = Json::parse(to_json(make_findings()));
  const Json& race = json.at("race").at("rows").at(1);
  EXPECT_EQ(race.at("contestant"), "tcpdump");
  EXPECT_EQ(race.at("figures").at("lost_packets"), 12346);
  EXPECT_EQ(race.at("figures").at("cpu_ns_per_packet").at("median"), 600);
  EXPECT_TRUE(race.at("figures").at("system_calls_per_1000_packets").is_null());
  const Json& rate = json.at("no_drop_rates").at("rows").at(0);
  EXPECT_EQ(rate.at("lossless_per_second"), 400'000);
  EXPECT_EQ(rate.at("lossy_per_second"), 800'000);
  EXPECT_EQ(rate.at("trials").size(), 2U);
  EXPECT_TRUE(json.at("table").at("rows").at(0).at("figures").is_null());
  EXPECT_EQ(json.at("contestants").at(0).at("command"), "ringtail capture -w FILE");
}

TEST(Findings, AsMarkdownAreTablesWithLossesAndCommands) {
  const std::string markdown = to_markdown(make_findings());
  EXPECT_THAT(markdown, HasSubstr("| tcpdump | 512 bytes | 600 (595-605) | 1/1.0 |"));
  EXPECT_THAT(markdown, HasSubstr("12346 (1.23 %) |\n"));
  EXPECT_THAT(markdown, HasSubstr("| tcpdump | 512 bytes | 400 | 800 |"));
  EXPECT_THAT(markdown, HasSubstr("`ringtail capture -w FILE`"));
  EXPECT_THAT(markdown, HasSubstr("absent: dumpcap: it is not installed"));
}

TEST(Findings, AsPictureTellLossesToo) {
  const std::string picture = to_svg(make_findings());
  EXPECT_THAT(picture, testing::StartsWith("<svg"));
  EXPECT_THAT(picture, HasSubstr("600, lost 1.2 %"));
  EXPECT_THAT(picture, HasSubstr("Testing Processor &lt;2>"));
}

TEST(Findings, OfNothingAreStillDocuments) {
  Findings findings;
  findings.plan = quick_plan();
  EXPECT_FALSE(to_text(findings).empty());
  EXPECT_TRUE(Json::parse(to_json(findings)).at("race").is_null());
  EXPECT_THAT(to_svg(findings), testing::EndsWith("</svg>\n"));
  EXPECT_FALSE(to_markdown(findings).empty());
}

TEST(TextTable, LinesColumnsUpAndLetsRemarksRunOn) {
  TextTable table({"name", "a", "b"});
  table.add({"x", "100", "2"});
  table.add({"longer", "a remark that is longer than both columns"});
  EXPECT_EQ(table.text(),
            "  name      a  b\n"
            "  x       100  2\n"
            "  longer  a remark that is longer than both columns\n");
}

TEST(TextTable, AsMarkdownPutsFiguresToTheRight) {
  TextTable table({"name", "a"});
  table.add({"x", "100"});
  EXPECT_EQ(table.markdown(), "| name | a |\n|---|---:|\n| x | 100 |\n");
}

TEST(RoundStep, IsOneTwoOrFive) {
  EXPECT_DOUBLE_EQ(round_step(1225, 6), 500);
  EXPECT_DOUBLE_EQ(round_step(600, 6), 100);
  EXPECT_DOUBLE_EQ(round_step(0.9, 5), 0.2);
}

}  // namespace
}  // namespace ringtail::bench
