#include "control/status.hpp"

#include <gmock/gmock.h>

namespace ringtail::control {
namespace {

using testing::HasSubstr;

TEST(CaptureStatus, HasTheNamesOfTheSummary) {
  CaptureStatus status;
  status.recorded = {.written_packets = 1,
                     .dropped_writer = 2,
                     .captured_bytes = 3,
                     .written_bytes = 4,
                     .copied_bytes = 5,
                     .dilated_chunks = 6,
                     .compacted_chunks = 7,
                     .files_total = 8};
  const std::string text = to_json_text(status);
  EXPECT_THAT(text, HasSubstr(R"("written_packets":1})"));
  EXPECT_THAT(text, HasSubstr(R"("dropped_writer":2,)"));
  EXPECT_THAT(text, HasSubstr(R"("captured_bytes":3,)"));
  EXPECT_THAT(text, HasSubstr(R"("written_bytes":4,)"));
  EXPECT_THAT(text, HasSubstr(R"("files_total":8,)"));
  EXPECT_THAT(text, HasSubstr(R"("layout":{"compacted_chunks":7,"copied_bytes":5,"dilated_chunks":6})"));
}

TEST(CaptureStatus, SaysWhatIsCompressed) {
  CaptureStatus status;
  status.storage.compression = {
      .enabled = true, .files = 1, .input_bytes = 2, .output_bytes = 3, .waiting_files = 4, .waiting_bytes = 5};
  const std::string wanted =
      R"("compression":{"enabled":true,"files":1,"input_bytes":2,"output_bytes":3,"waiting_bytes":5,"waiting_files":4})";
  EXPECT_THAT(to_json_text(status), HasSubstr(wanted));
}

TEST(CaptureStatus, SaysHowLongWritesTake) {
  CaptureStatus status;
  status.write_latency = {.chunks = 9, .p50_seconds = 0.25, .p99_seconds = 0.5};
  EXPECT_THAT(to_json_text(status), HasSubstr(R"("write_latency":{"chunks":9,"p50_seconds":0.25,"p99_seconds":0.5})"));
}

}  // namespace
}  // namespace ringtail::control
