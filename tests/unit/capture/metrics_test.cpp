#include "metrics.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <httplib.h>
#include <regex>
#include <set>
#include <sstream>

#include "metrics_server.hpp"

namespace ringtail::daemon {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::vector<control::CaptureStatus> two_captures() {
  std::vector<control::CaptureStatus> captures(2);
  captures[0].name = "up\"link";
  captures[0].state = "running";
  captures[0].sources.resize(1);
  captures[0].sources[0].name = "eth0";
  captures[0].sources[0].dropped_ring = 7;
  captures[1].name = "other";
  captures[1].state = "failing";
  captures[1].error = "no space left";
  captures[1].share.clients = {{.name = "i\"ds", .pid = 42, .number = 3, .lent_packets = 90}};
  return captures;
}

TEST(Metrics, HaveOneLineForEachValue) {
  const std::string text = metrics_text(two_captures());
  EXPECT_THAT(text, HasSubstr("ringtail_dropped_ring_packets_total{capture=\"up\\\"link\",interface=\"eth0\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("ringtail_up{capture=\"up\\\"link\"} 1\nringtail_up{capture=\"other\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("ringtail_clients{capture=\"up\\\"link\"} 0\nringtail_clients{capture=\"other\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("{capture=\"other\",client=\"i\\\"ds\",pid=\"42\",number=\"3\"} 90\n"));
  const std::regex form(
      R"((# (HELP|TYPE) ringtail_\w+ .+|ringtail_\w+\{capture="([^"\\]|\\.)*"(,interface="\w+"|,client="([^"\\]|\\.)*",pid="\d+",number="\d+"|,le="[0-9.+Inf]+")?\} [0-9.e+-]+))");
  std::stringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(std::regex_match(line, form)) << line;
}

TEST(Metrics, CountInEachBucketThoseBelowItToo) {
  auto captures = two_captures();
  captures.resize(1);
  captures[0].name = "up";
  for (const auto time : {20ms, 30ms, 40ms, 20'000ms}) captures[0].recorded.write_latency.add(time);
  const std::string text = metrics_text(captures);
  const std::string name = "ringtail_write_latency_seconds";
  EXPECT_THAT(text, HasSubstr("# TYPE " + name + " histogram\n" + name + "_bucket{capture=\"up\",le=\"0.0001\"} 0\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{capture=\"up\",le=\"0.025\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{capture=\"up\",le=\"0.05\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{capture=\"up\",le=\"10\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{capture=\"up\",le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr(name + "_sum{capture=\"up\"} 20.09\n"));
  EXPECT_THAT(text, HasSubstr(name + "_count{capture=\"up\"} 4\n"));
}

TEST(Metrics, ComplainOfWhatFails) {
  EXPECT_EQ(health_complaints(two_captures()), "other: no space left\n");
}

TEST(Metrics, TheDashboardAsksForNothingElse) {
  std::ifstream file(DASHBOARD);
  const std::string dashboard{std::istreambuf_iterator<char>(file), {}};
  const std::string text = metrics_text(two_captures());
  const std::regex metric("ringtail_[a-z_]+");
  std::set<std::string> names;
  for (std::sregex_iterator each(dashboard.begin(), dashboard.end(), metric), end; each != end; ++each) {
    names.insert(std::regex_replace(each->str(), std::regex("_bucket$"), ""));
  }
  EXPECT_GE(names.size(), 10U);
  for (const std::string& name : names) EXPECT_THAT(text, HasSubstr("# TYPE " + name + " "));
}

TEST(MetricsServer, AnswersOverHttp) {
  auto server = MetricsServer::start({.host = "127.0.0.1", .port = 0}).value();
  auto captures = two_captures();
  httplib::Client client("127.0.0.1", server->port());
  server->show(captures);
  EXPECT_EQ(client.Get("/healthz")->status, 503);
  EXPECT_THAT(client.Get("/metrics")->body, HasSubstr("ringtail_up"));
  captures.pop_back();
  server->show(captures);
  EXPECT_EQ(client.Get("/healthz")->status, 200);
  EXPECT_EQ(client.Get("/other")->status, 404);
}

TEST(MetricsServer, SaysWhyItCannotListen) {
  const auto first = MetricsServer::start({.host = "127.0.0.1", .port = 0}).value();
  // httplib lets ports be shared (SO_REUSEPORT), so an address of nobody's it is.
  EXPECT_FALSE(MetricsServer::start({.host = "192.0.2.1", .port = 9}).has_value());
}

}  // namespace
}  // namespace ringtail::daemon
