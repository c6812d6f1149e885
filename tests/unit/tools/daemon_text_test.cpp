#include "daemon_text.hpp"

#include <gmock/gmock.h>

namespace ringtail::tools {
namespace {

using testing::HasSubstr;

control::CaptureStatus status(double seconds, std::uint64_t packets) {
  control::CaptureStatus status{.name = "uplink", .state = "running", .elapsed_seconds = seconds};
  status.delivered = status.recorded.written_packets = packets;
  status.sources.resize(1);
  status.sources[0].name = "eth0";
  status.sources[0].received = packets;
  status.storage.directory = "/data";
  return status;
}

TEST(DaemonText, BytesHaveUnits) {
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1500), "1.5 kB");
  EXPECT_EQ(bytes_text(2.5e12), "2.5 TB");
}

TEST(DaemonText, StatShowsTheBooks) {
  control::CaptureStatus shown = status(1, 100);
  shown.sources[0].dropped_ring = 7;
  shown.sources[0].present = false;
  shown.error = "no space left";
  const std::string text = stat_text(shown);
  EXPECT_THAT(text, HasSubstr("eth0 (away): received 100 = delivered 0 + dropped_ring 7 + unread 0"));
  EXPECT_THAT(text, HasSubstr("delivered 100 = written 100 + dropped_writer 0 + discarded_paused 0"));
  EXPECT_THAT(text, HasSubstr("error: no space left"));
}

TEST(DaemonText, AnalyzersAreShownWithWhatTheyGotAndMissed) {
  control::CaptureStatus shown = status(1, 100);
  shown.storage.directory.clear();
  shown.share = {.enabled = true, .clients = {{.name = "ids", .pid = 42, .lent_packets = 90, .skipped_packets = 10}}};
  shown.share.admitted = 3;
  const std::string text = stat_text(shown);
  EXPECT_THAT(text, HasSubstr("delivered 100, nothing is written"));
  EXPECT_THAT(text, HasSubstr("ids (pid 42, uid 0): lent 90, skipped 10"));
  EXPECT_THAT(text, HasSubstr("1 attached, 3 admitted"));
  EXPECT_THAT(top_text({{.before = {}, .now = shown}}, 200), HasSubstr("ids          42"));
  shown.share.clients[0].reads_rings = true;
  EXPECT_THAT(stat_text(shown), HasSubstr("ids (pid 42, uid 0, reads the ring): lent 90"));
  EXPECT_THAT(top_text({{.before = {}, .now = shown}}, 200), HasSubstr("10  reads the ring\n"));
}

TEST(DaemonText, StatShowsTheFlightRecorder) {
  control::CaptureStatus shown = status(1, 100);
  EXPECT_THAT(stat_text(shown), Not(HasSubstr("holds")));
  shown.flight = {.seconds = 30, .held_seconds = 12.34, .held_packets = 8, .expired_packets = 9, .dumps = 2};
  EXPECT_THAT(stat_text(shown), HasSubstr("discarded_paused 0 + held 8 + expired 9"));
  EXPECT_THAT(stat_text(shown), HasSubstr("holds 12.3 of 30 s"));
}

TEST(DaemonText, StatShowsHowLongWritesTake) {
  control::CaptureStatus shown = status(1, 100);
  EXPECT_THAT(stat_text(shown), Not(HasSubstr("chunks")));
  shown.write_latency = {.chunks = 12, .p50_seconds = 0.00123, .p99_seconds = 1.5};
  EXPECT_THAT(stat_text(shown), HasSubstr("12 chunks written, half of them within 1.2 ms, 99 % within 1.5 s"));
}

TEST(DaemonText, StatShowsWhatIsCompressed) {
  control::CaptureStatus shown = status(1, 100);
  EXPECT_THAT(stat_text(shown), Not(HasSubstr("compressed")));
  shown.storage.compression = {
      .enabled = true, .files = 3, .input_bytes = 5000, .output_bytes = 2000, .waiting_files = 1, .waiting_bytes = 900};
  EXPECT_THAT(stat_text(shown), HasSubstr("compressed 3 files, 5.0 kB to 2.0 kB; 1 files wait, 900 B"));
}

TEST(DaemonText, TopShowsRatesOnceItCan) {
  EXPECT_THAT(top_text({{.before = {}, .now = status(1, 100)}}, 200), Not(HasSubstr("50")));
  EXPECT_THAT(top_text({{.before = status(1, 100), .now = status(3, 200)}}, 200), HasSubstr(" 50 "));
}

TEST(DaemonText, TopShowsSlowWritesAndTheFlightRecorder) {
  control::CaptureStatus shown = status(1, 100);
  EXPECT_THAT(top_text({{.before = {}, .now = shown}}, 200), HasSubstr(" -\n"));
  shown.write_latency = {.chunks = 12, .p50_seconds = 0.001, .p99_seconds = 0.0875};
  shown.flight = {.seconds = 30, .held_seconds = 12.34};
  const std::string text = top_text({{.before = {}, .now = shown}}, 200);
  EXPECT_THAT(text, HasSubstr("  87.5 ms\n"));
  EXPECT_THAT(text, HasSubstr("  holds 12.3 of 30 s"));
}

TEST(DaemonText, TopShowsNoFreeSpaceWhereNothingIsStored) {
  control::CaptureStatus shown = status(1, 100);
  shown.storage.free_percent = 12.5;
  EXPECT_THAT(top_text({{.before = {}, .now = shown}}, 200), HasSubstr(" 12.5% "));
  shown.storage = {};
  EXPECT_THAT(top_text({{.before = {}, .now = shown}}, 200), Not(HasSubstr("%  ")));
}

TEST(DaemonText, TopShowsWhatWaitsForTheWriter) {
  control::CaptureStatus shown = status(1, 100);
  EXPECT_THAT(top_text({{.before = {}, .now = shown}}, 200), Not(HasSubstr("wait")));
  shown.waiting_packets = 12;
  EXPECT_THAT(top_text({{.before = {}, .now = shown}}, 200), HasSubstr("  12 packets wait for the writer\n"));
}

TEST(DaemonText, AnAnalyzerThatAttachesAgainIsAnotherOne) {
  control::CaptureStatus before = status(1, 100);
  before.share.clients = {{.name = "ids", .pid = 42, .number = 1, .lent_packets = 1000}};
  control::CaptureStatus now = status(2, 100);
  now.share.clients = {{.name = "ids", .pid = 42, .number = 2, .lent_packets = 1777}};
  EXPECT_THAT(top_text({{.before = before, .now = now}}, 200), Not(HasSubstr(" 777 ")));
  now.share.clients[0].number = 1;
  EXPECT_THAT(top_text({{.before = before, .now = now}}, 200), HasSubstr(" 777 "));
}

TEST(DaemonText, TopFitsTheTerminal) {
  const std::string text = top_text({{.before = {}, .now = status(1, 100)}}, 20);
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    EXPECT_LE(end - begin, 20U);
  }
}

}  // namespace
}  // namespace ringtail::tools
