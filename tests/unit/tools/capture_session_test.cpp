#include "capture_session.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

#include "fixture/memory_backend.hpp"

namespace ringtail::tools {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

/// Sessions whose interfaces are capture files, so that they end by themselves and need no privilege.
class CaptureSessionTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/ringtail-session-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    options_.output.path = path("out.pcapng");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }

  /// Adds a capture file with so many packets to the interfaces.
  void add_file(const std::string& name, std::uint64_t packets, std::uint16_t link_type = link_type::ethernet) {
    Interface interface = test::make_ethernet_interface("memory0");
    interface.link_type = link_type;
    test::MemoryBackend* backend = test::MemoryBackend::create({interface});
    for (std::uint64_t number = 0; number < packets; ++number) backend->push(test::make_numbered_packet(number, 100));
    backend->end();
    Source source = test::make_source(backend);
    auto recorder = Recorder::create({.path = path(name)}, {&source}).value();
    for (;;) {
      auto [status, batch] = source.receive(std::chrono::seconds(1));
      if (status == ReceiveStatus::end_of_stream) break;
      recorder.write(0, std::move(batch));
    }
    ASSERT_TRUE(recorder.finish().has_value());
    options_.interfaces.push_back({"file:" + path(name), {}});
  }

  Summary run() const {
    auto session = CaptureSession::open(options_, true);
    if (!session) return {.error = session.error()};
    (*session)->run({});
    return (*session)->summary();
  }

  std::filesystem::path directory_;
  CaptureOptions options_;
};

TEST_F(CaptureSessionTest, PutsSeveralSourcesIntoOneFileAndTheBooksBalance) {
  add_file("a.pcapng", 1000);
  add_file("b.pcapng", 300);
  const Summary summary = run();
  EXPECT_EQ(summary.error, std::nullopt) << summary.error->message();
  ASSERT_THAT(summary.sources, SizeIs(2));
  EXPECT_EQ(summary.sources[0].stats.delivered, 1000U);
  EXPECT_EQ(summary.sources[1].stats.delivered, 300U);
  for (const SourceSummary& source : summary.sources) {
    const Stats& stats = source.stats;
    EXPECT_EQ(stats.received, stats.delivered + stats.dropped_ring + stats.unread);
  }
  EXPECT_EQ(summary.written.written_packets, 1300U);
  EXPECT_GT(summary.elapsed_seconds, 0);
}

TEST_F(CaptureSessionTest, PacketLimitIsExact) {
  add_file("a.pcapng", 1000);
  add_file("b.pcapng", 1000);
  options_.stop_after_packets = 1234;
  const Summary summary = run();
  EXPECT_EQ(summary.delivered(), 1234U);
  EXPECT_EQ(summary.written.written_packets, 1234U);
}

TEST_F(CaptureSessionTest, FilesLimitEndsARing) {
  add_file("a.pcapng", 1000);
  options_.output.rotation.file_packets = 100;
  options_.output.stop_after_files = 3;
  const Summary summary = run();
  EXPECT_EQ(summary.written.files_total, 3U);
  EXPECT_EQ(summary.written.written_packets, 300U);
}

TEST_F(CaptureSessionTest, ASignalBeforeTheFirstPacketEndsItInGoodOrder) {
  add_file("a.pcapng", 10);
  auto session = CaptureSession::open(options_, true).value();
  std::raise(SIGTERM);
  session->run({});
  const Summary summary = session->summary();
  EXPECT_EQ(summary.error, std::nullopt);
  EXPECT_EQ(summary.written.written_packets, summary.delivered());
}

TEST_F(CaptureSessionTest, ASourceThatCannotBeOpenedLeavesNoFile) {
  add_file("a.pcapng", 1);
  options_.interfaces.push_back({"file:" + path("missing.pcapng"), {}});
  EXPECT_THAT(run().error->message(), HasSubstr("missing.pcapng"));
  EXPECT_FALSE(std::filesystem::exists(options_.output.path));
}

TEST_F(CaptureSessionTest, AMistypedUserCostsNobodyAFile) {
  add_file("a.pcapng", 1);
  std::ofstream(options_.output.path) << "precious";
  options_.user = "nobody-of-this-name";
  EXPECT_THAT(run().error->message(), HasSubstr("nobody-of-this-name"));
  EXPECT_EQ(std::filesystem::file_size(options_.output.path), 8U);
}

TEST_F(CaptureSessionTest, SourceThatBreaksOffIsAnErrorAndWhatCameBeforeIsKept) {
  add_file("a.pcapng", 500);
  add_file("b.pcapng", 500);
  std::filesystem::resize_file(path("a.pcapng"), 10'000);  // in the middle of a packet
  std::ofstream(path("a.pcapng"), std::ios::app) << std::string(100, '\xff');
  const Summary summary = run();
  ASSERT_NE(summary.error, std::nullopt);
  EXPECT_THAT(summary.error->message(), HasSubstr("a.pcapng"));
  EXPECT_GT(summary.sources[0].stats.delivered, 0U);
  EXPECT_EQ(summary.written.written_packets, summary.delivered());
}

TEST_F(CaptureSessionTest, KnowsWhenLinkTypesMix) {
  add_file("a.pcapng", 1);
  EXPECT_FALSE(CaptureSession::open(options_, true).value()->mixes_link_types());
  add_file("b.pcapng", 1, link_type::raw_ip);
  EXPECT_TRUE(CaptureSession::open(options_, true).value()->mixes_link_types());
}

TEST_F(CaptureSessionTest, ClassicPcapOfTwoLinkTypesIsAUsageError) {
  add_file("a.pcapng", 1);
  add_file("b.pcapng", 1, link_type::raw_ip);
  options_.output.format = FileFormat::pcap;
  const Summary summary = run();
  ASSERT_NE(summary.error, std::nullopt);
  EXPECT_TRUE(summary.error->bad_usage) << summary.error->message();
}

}  // namespace
}  // namespace ringtail::tools
