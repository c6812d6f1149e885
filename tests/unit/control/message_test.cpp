#include "control/message.hpp"

#include <gmock/gmock.h>
#include <random>

namespace ringtail::control {
namespace {

using testing::HasSubstr;

std::string without_newline(std::string line) {
  EXPECT_TRUE(line.ends_with('\n'));
  line.pop_back();
  EXPECT_EQ(line.find('\n'), std::string::npos);
  return line;
}

TEST(Message, RequestsComeBackAsTheyWent) {
  for (const Operation operation : all_operations) {
    const Request request{.operation = operation, .filter = operation == Operation::filter ? "tcp \"x\"\n" : ""};
    const auto decoded = decode_request(without_newline(encode(request)));
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(decoded->operation, operation);
    EXPECT_EQ(decoded->filter, request.filter);
  }
}

TEST(Message, DumpsComeBackAsTheyWent) {
  for (const std::optional<double> last : {std::optional<double>(), std::optional(0.5)}) {
    const Request request{.operation = Operation::dump, .last_seconds = last};
    EXPECT_EQ(decode_request(without_newline(encode(request)))->last_seconds, last);
  }
  const DumpReport report{.packets = 1ULL << 60, .bytes = 7, .path = "/data/x.pcapng"};
  const auto answer = decode_answer(without_newline(encode(Answer{.dump = report})));
  ASSERT_TRUE(answer.has_value() && answer->ok() && answer->dump);
  EXPECT_EQ(answer->dump->packets, report.packets);
  EXPECT_EQ(answer->dump->bytes, report.bytes);
  EXPECT_EQ(answer->dump->path, report.path);
}

TEST(Message, AnswersComeBackAsTheyWent) {
  CaptureStatus status{.name = "uplink", .state = "paused", .elapsed_seconds = 1.5, .delivered = 1ULL << 60};
  status.sources.push_back({.name = "eth0", .present = false, .dropped_ring = 7});
  status.storage.free_percent = 12.5;
  status.flight = {.seconds = 30, .held_packets = 9};
  status.error = "the disk is \xff full";
  const auto decoded = decode_answer(without_newline(encode(Answer{.status = status})));
  ASSERT_TRUE(decoded.has_value());
  ASSERT_TRUE(decoded->ok() && decoded->status);
  EXPECT_EQ(decoded->status->name, "uplink");
  EXPECT_EQ(decoded->status->delivered, 1ULL << 60);
  ASSERT_EQ(decoded->status->sources.size(), 1U);
  EXPECT_FALSE(decoded->status->sources[0].present);
  EXPECT_EQ(decoded->status->sources[0].dropped_ring, 7U);
  EXPECT_EQ(decoded->status->storage.free_percent, 12.5);
  EXPECT_EQ(decoded->status->flight.seconds, 30);
  EXPECT_EQ(decoded->status->flight.held_packets, 9U);
  EXPECT_THAT(decoded->status->error, HasSubstr("full"));
  EXPECT_EQ(decode_answer(without_newline(encode(Answer{.error = "no"})))->error, "no");
}

TEST(Message, SaysWhatIsWrongWithARequest) {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "not JSON"},
      {"{", "not JSON"},
      {"[]", "not a JSON object"},
      {"{}", "no version"},
      {R"({"version":"1"})", "no version"},
      {R"({"version":2,"operation":"stat"})", "version 2"},
      {R"({"version":1})", "no operation"},
      {R"({"version":1,"operation":7})", "no operation"},
      {R"({"version":1,"operation":"format"})", "\"format\""},
      {R"({"version":1,"operation":"filter"})", "no filter"},
      {R"({"version":1,"operation":"filter","filter":"a\u0000b"})", "zero byte"},
      {R"({"version":1,"operation":"dump","last_seconds":"30"})", "last_seconds"},
      {R"({"version":1,"operation":"dump","last_seconds":0})", "last_seconds"},
      {R"({"version":1,"operation":"dump","last_seconds":1e300})", "last_seconds"},
  };
  for (const auto& [line, why] : wrong) {
    const auto request = decode_request(line);
    ASSERT_FALSE(request.has_value()) << line;
    EXPECT_THAT(request.error().message(), HasSubstr(why)) << line;
  }
}

TEST(Message, IgnoresWhatItDoesNotKnow) {
  EXPECT_TRUE(decode_request(R"({"version":1,"operation":"stat","colour":[{}]})").has_value());
  const auto answer = decode_answer(R"({"version":1,"ok":true,"status":{"sources":[5,{"name":6}],"layout":7}})");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status->sources.size(), 2U);
}

TEST(Message, SurvivesRandomBytes) {
  std::mt19937 random(1);
  const std::string good = without_newline(encode(Request{.operation = Operation::filter, .filter = "tcp"}));
  for (int round = 0; round < 20'000; ++round) {
    std::string line = good;
    for (int change = 0; change < 3; ++change) line[random() % line.size()] = static_cast<char>(random());
    line.resize(random() % (line.size() + 1));
    (void)decode_request(line);
    (void)decode_answer(line);
  }
}

TEST(Message, SurvivesDeepNesting) {
  EXPECT_FALSE(decode_request(std::string(longest_line_bytes, '[')).has_value());
  EXPECT_FALSE(decode_request(std::string(10'000, '[') + std::string(10'000, ']')).has_value());
}

}  // namespace
}  // namespace ringtail::control
