#include "configuration.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <regex>
#include <sstream>

#include "obstacles.hpp"

namespace ringtail::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* smallest = "[[capture]]\ninterfaces = [\"eth0\"]\nstorage.directory = \"/d\"\n";

std::string sample() {
  std::ifstream file(SAMPLE_CONFIGURATION);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Configuration, TheSmallestIsEnough) {
  const Configuration read = parse_configuration(smallest, "f");
  EXPECT_THAT(read.mistakes, IsEmpty());
  ASSERT_THAT(read.settings.captures, SizeIs(1));
  const CaptureSettings& capture = read.settings.captures[0];
  EXPECT_EQ(capture.name, "eth0");
  EXPECT_THAT(capture.devices, ElementsAre("eth0"));
  EXPECT_EQ(capture.open, OpenOptions{});
  EXPECT_FALSE(capture.output.rotation.is_on());
  EXPECT_EQ(capture.storage.quota, store::Quota{});
}

TEST(Configuration, TheSampleHasNoMistakes) {
  const Configuration read = parse_configuration(sample(), "sample");
  EXPECT_THAT(read.mistakes, IsEmpty());
  EXPECT_THAT(read.settings.captures, SizeIs(1));
}

/// Uncommented, every key of the sample is known, and those that show defaults change nothing.
TEST(Configuration, TheSampleShowsAllKeys) {
  const std::string all = std::regex_replace(sample(), std::regex("(^|\n)#([a-z\\[])"), "$1$2");
  const Configuration read = parse_configuration(std::regex_replace(all, std::regex("\nuser = [^\n]*"), ""), "sample");
  std::vector<std::string> mistakes;
  for (const std::string& mistake : read.mistakes) {
    const auto says = [&mistake](const char* text) { return mistake.find(text) != std::string::npos; };
    if (says("capture.fanout: there is one thread") || says("one file a dump")) continue;
    mistakes.push_back(mistake);
  }
  EXPECT_THAT(mistakes, IsEmpty());
}

TEST(Configuration, MistakesNameFileLineAndKey) {
  const Configuration read = parse_configuration(
      "log_level = \"loud\"\n"
      "[[capture]]\n"
      "interfaces = \"eth0\"\n"
      "snaplen = 0\n"
      "threads = \"two\"\n"
      "colour = 1\n"
      "[capture.storage]\n"
      "directory = 5\n"
      "rotate_seconds = -1\n",
      "f.toml");
  EXPECT_THAT(read.mistakes, testing::IsSupersetOf(
                                 {HasSubstr("f.toml:1: log_level: 'loud'"), HasSubstr("f.toml:3: capture.interfaces:"),
                                  HasSubstr("f.toml:4: capture.snaplen:"), HasSubstr("f.toml:5: capture.threads:"),
                                  HasSubstr("f.toml:6: capture.colour: there is no such key"),
                                  HasSubstr("f.toml:8: capture.storage.directory:"),
                                  HasSubstr("f.toml:9: capture.storage.rotate_seconds:")}));
}

TEST(Configuration, TextThatIsNoTomlHasALine) {
  EXPECT_THAT(parse_configuration("a = 1\nb = = 2\n", "f").mistakes, ElementsAre(HasSubstr("f:2: ")));
  EXPECT_THAT(read_configuration("/nowhere/f").mistakes, ElementsAre(HasSubstr("/nowhere/f: ")));
}

TEST(Configuration, ContradictionsAreMistakes) {
  const std::pair<const char*, const char*> wrong[] = {
      {"format = \"pcap\"\nlayout = \"dilate\"\n", "capture.layout"},
      {"ordered = true\nlayout = \"compact\"\n", "capture.layout"},
      {"storage.compress = \"gzip\"\n", "capture.storage.compress"},
      {"fanout = \"cpu\"\n", "capture.fanout"},
      {"name = \"a/x\"\n", "capture.name"},
      {"cpus = \"2-\"\n", "capture.cpus"},
      {"numa = \"here\"\n", "capture.numa"},
      {"storage.file_name = \"same\"\n", "capture.storage.file_name"},
  };
  for (const auto& [text, key] : wrong) {
    EXPECT_THAT(parse_configuration(smallest + std::string(text), "f").mistakes, ElementsAre(HasSubstr(key))) << text;
  }
  EXPECT_THAT(parse_configuration("", "f").mistakes, ElementsAre(HasSubstr("nothing to capture")));
  EXPECT_THAT(parse_configuration(std::string(smallest) + smallest, "f").mistakes,
              ElementsAre(HasSubstr("capture.name")));
}

TEST(Configuration, AThreadOfItsOwnWritesWherePacketsAreLentOrItIsAskedFor) {
  const auto has_writer_threads = [](const std::string& text) {
    const Configuration read = parse_configuration(smallest + text, "f");
    EXPECT_THAT(read.mistakes, IsEmpty()) << text;
    return read.settings.captures.at(0).has_writer_threads();
  };
  EXPECT_TRUE(has_writer_threads("share.enabled = true\n"));
  EXPECT_FALSE(has_writer_threads("share.enabled = false\n"));
  EXPECT_FALSE(has_writer_threads("share.enabled = true\nwriter_thread = false\n"));
  EXPECT_TRUE(has_writer_threads("share.enabled = false\nwriter_thread = true\n"));
  const std::string nothing_to_write = "[[capture]]\ninterfaces = [\"eth0\"]\nshare.enabled = true\n";
  EXPECT_FALSE(parse_configuration(nothing_to_write, "f").settings.captures.at(0).has_writer_threads());
  EXPECT_THAT(parse_configuration(nothing_to_write + "writer_thread = true\n", "f").mistakes,
              ElementsAre(HasSubstr("capture.writer_thread")));
}

TEST(Configuration, AFlightRecorderNeedsNoStorage) {
  const Configuration read =
      parse_configuration("[[capture]]\ninterfaces = [\"eth0\"]\nflight.seconds = 30\nflight.bytes = 1_000_000\n", "f");
  EXPECT_THAT(read.mistakes, IsEmpty());
  const CaptureSettings& capture = read.settings.captures.at(0);
  ASSERT_TRUE(capture.flight.has_value());
  EXPECT_EQ(capture.flight->age, std::chrono::seconds(30));
  EXPECT_EQ(capture.flight->bytes, 1'000'000U);
  // 44 of 64 blocks, one per retire timeout on a slow link: together they last 30 s.
  EXPECT_EQ(capture.open.retire_timeout, std::chrono::milliseconds(682));
  EXPECT_EQ(parse_configuration("[[capture]]\ninterfaces = [\"eth0\"]\nflight.seconds = 1\n", "f")
                .settings.captures.at(0)
                .open.retire_timeout,
            OpenOptions{}.retire_timeout);
}

TEST(Configuration, WhatAFlightRecorderCannotDoIsAMistake) {
  const std::string smallest_flight = "[[capture]]\ninterfaces = [\"eth0\"]\n";
  const std::pair<const char*, const char*> wrong[] = {
      {"buffer_mib = 4\nflight.seconds = 60\n", "capture.flight.seconds: the ring is too small for 60.0 s"},
      {"buffer_mib = 2\nflight.seconds = 1\n", "capture.flight.seconds: the ring has 2 blocks"},
      {"flight.trigger = \"tcp\"\n", "capture.flight.trigger"},
      {"ordered = true\nflight.seconds = 1\n", "ordered means nothing"},
      {"timestamps = \"adapter_unsynced\"\nflight.seconds = 1\n", "adapter_unsynced says nothing of that"},
      {"flight.second = 1\n", "capture.flight.second: there is no such key"},
      {"flight.seconds = 1\nstorage.directory = \"/d\"\nstorage.rotate_packets = 5\n", "one file a dump"},
  };
  for (const auto& [text, mistake] : wrong) {
    EXPECT_THAT(parse_configuration(smallest_flight + text, "f").mistakes, ElementsAre(HasSubstr(mistake))) << text;
  }
  EXPECT_THAT(parse_configuration("[[capture]]\ninterfaces = [\"dpdk:net_null0\"]\nflight.seconds = 1\n", "f").mistakes,
              ElementsAre(HasSubstr("dpdk:net_null0")));
}

TEST(Configuration, ReadsWhatItIsTold) {
  const Configuration read = parse_configuration(
      "run_dir = \"/r\"\n"
      "metrics.port = 9469\n"
      "[[access]]\nuser = \"root\"\noperations = [\"stat\", \"rotate\"]\n"
      "[[capture]]\ninterfaces = [\"eth0\", \"eth1\"]\nthreads = 2\nfanout = \"cpu\"\ncpus = \"1-2\"\nbuffer_mib = 8\n"
      "ordered = true\n"
      "[capture.storage]\ndirectory = \"/d\"\nrotate_bytes = 1_000_000\nquota_age_seconds = 60\nquota_disk_percent = "
      "50\ncompress = \"zstd\"\n",
      "f");
  ASSERT_THAT(read.mistakes, IsEmpty());
  EXPECT_EQ(read.settings.run_directory, "/r");
  EXPECT_EQ(read.settings.metrics, (MetricsAddress{.host = "127.0.0.1", .port = 9469}));
  EXPECT_EQ(
      read.settings.access,
      (std::vector<AccessRule>{{.user = 0, .operations = {control::Operation::stat, control::Operation::rotate}}}));
  const CaptureSettings& capture = read.settings.captures[0];
  EXPECT_EQ(capture.name, "eth0_eth1");
  EXPECT_EQ(capture.threads, 2);
  EXPECT_EQ(capture.open.fanout, Fanout{.mode = FanoutMode::cpu});
  EXPECT_EQ(capture.open.buffer_bytes, std::size_t{8} << 20);
  EXPECT_THAT(capture.cpus, ElementsAre(1, 2));
  EXPECT_TRUE(capture.ordered);
  EXPECT_EQ(capture.storage.compression, store::Compression::zstd);
  EXPECT_EQ(capture.output.rotation.file_bytes, 1'000'000U);
  EXPECT_EQ(capture.storage.quota, (store::Quota{.disk_percent = 50, .age = std::chrono::seconds(60)}));
}

TEST(Configuration, ACaptureMayLendAndWriteNothing) {
  const Configuration read = parse_configuration(
      "[[capture]]\ninterfaces = [\"eth0\"]\n"
      "[capture.share]\nmemory_mib = 16\nclients = 4\nhold_limit_ms = 500\nusers = [\"root\"]\ngroups = [\"root\"]\n"
      "ring_users = [\"daemon\"]\nring_groups = [\"daemon\"]\n",
      "f");
  EXPECT_THAT(read.mistakes, IsEmpty());
  const CaptureSettings& capture = read.settings.captures.at(0);
  EXPECT_FALSE(capture.writes_files());
  EXPECT_TRUE(capture.share.enabled);
  EXPECT_EQ(capture.share.memory_mib, 16U);
  EXPECT_EQ(capture.share.clients, 4U);
  EXPECT_EQ(capture.share.hold_limit, std::chrono::milliseconds(500));
  EXPECT_THAT(capture.share.users, ElementsAre(0U));
  EXPECT_THAT(capture.share.groups, ElementsAre(0U));
  EXPECT_THAT(capture.share.ring_users, ElementsAre(1U));
  EXPECT_THAT(capture.share.ring_groups, ElementsAre(1U));
}

TEST(Configuration, NobodyHasTheRingUnlessNamed) {
  const Configuration read = parse_configuration(std::string(smallest) + "share.users = [\"root\"]\n", "f");
  EXPECT_THAT(read.settings.captures.at(0).share.ring_users, IsEmpty());
  EXPECT_THAT(read.settings.captures.at(0).share.ring_groups, IsEmpty());
  const Configuration mistaken = parse_configuration(
      std::string(smallest) + "share.ring_users = [\"nosuchuser\"]\nshare.ring_groups = [\"nosuchgroup\"]\n", "f");
  EXPECT_THAT(mistaken.mistakes, ElementsAre(HasSubstr("capture.share.ring_users: there is no user nosuchuser"),
                                             HasSubstr("capture.share.ring_groups: there is no group nosuchgroup")));
}

TEST(Configuration, ACaptureThatNeitherWritesNorLendsIsAMistake) {
  for (const char* share : {"", "share.enabled = false\n"}) {
    const Configuration read = parse_configuration(std::string("[[capture]]\ninterfaces = [\"eth0\"]\n") + share, "f");
    EXPECT_THAT(read.mistakes, ElementsAre(HasSubstr("capture.storage: files need a directory")));
  }
  const Configuration read =
      parse_configuration(std::string(smallest) + "share.users = [\"nosuchuser\"]\nshare.clients = 65\n", "f");
  EXPECT_THAT(read.mistakes, SizeIs(2));
}

TEST(Configuration, AnInterfaceIsThereOnce) {
  const Configuration read = parse_configuration(
      "[[capture]]\nname = \"a\"\ninterfaces = [\"eth0\", \"eth0\"]\nstorage.directory = \"/d\"\n", "f");
  EXPECT_THAT(read.mistakes, ElementsAre(HasSubstr("f:3: capture.interfaces: eth0 is there twice")));
}

TEST(Configuration, CapturesDoNotTakeEachOthersFiles) {
  const auto mistakes_of = [](const std::string& names, const std::string& directory) {
    const std::string storage = "storage.file_name = \"" + names + "\"\nstorage.directory = ";
    return parse_configuration("[[capture]]\nname = \"a\"\ninterfaces = [\"eth0\"]\n" + storage + "\"/d\"\n" +
                                   "[[capture]]\nname = \"b\"\ninterfaces = [\"eth0\"]\n" + storage + "\"" + directory +
                                   "\"\n",
                               "f")
        .mistakes;
  };
  EXPECT_THAT(mistakes_of("{capture}_{sequence}_%H", "/d"), IsEmpty());
  EXPECT_THAT(mistakes_of("{sequence}_%H", "/e"), IsEmpty());
  EXPECT_THAT(mistakes_of("{sequence}_%H", "/d"),
              ElementsAre(HasSubstr("f:9: capture.storage.file_name: a has files")));
}

TEST(Configuration, ANumberNeedsNoQuotes) {
  const Configuration read = parse_configuration(std::string(smallest) + "numa = 1\ncpus = 2\n", "f");
  EXPECT_THAT(read.mistakes, IsEmpty());
  EXPECT_EQ(read.settings.captures.at(0).open.numa_node, 1);
  EXPECT_THAT(read.settings.captures.at(0).cpus, ElementsAre(2));
}

/// What is right as a text, and cannot be had here.
TEST(Obstacles, HaveFileLineAndKey) {
  Opener opener;
  const auto obstacles_of = [&opener](const std::string& text) {
    const Configuration read = parse_configuration(text, "f");
    EXPECT_THAT(read.mistakes, IsEmpty()) << text;
    return find_obstacles(read, opener);
  };
  EXPECT_THAT(obstacles_of(std::string(smallest) + "filter = \"tcp port 80\"\nthreads = 2\n"), IsEmpty());
  const std::pair<const char*, const char*> wrong[] = {
      {"filter = \"tcp prot 80\"\n", "f:4: capture.filter: compile filter 'tcp prot 80'"},
      {"block_bytes = 5000\n", "f:4: capture.block_bytes: lay out the packet ring: block size 5000"},
      {"buffer_mib = 4\nthreads = 4\n", "do not hold two blocks"},
      {"cpus = \"1000\"\n", "f:4: capture.cpus: there is no CPU 1000"},
      {"flight.trigger = \"udp prot\"\n", "f:4: capture.flight.trigger: compile filter 'udp prot'"},
  };
  for (const auto& [text, obstacle] : wrong) {
    EXPECT_THAT(obstacles_of(smallest + std::string(text)), ElementsAre(HasSubstr(obstacle))) << text;
  }
  EXPECT_THAT(obstacles_of("user = \"nosuchuser\"\n" + std::string(smallest)),
              ElementsAre(testing::AllOf(HasSubstr("f:1: user: "), HasSubstr("nosuchuser"))));
}

}  // namespace
}  // namespace ringtail::daemon
