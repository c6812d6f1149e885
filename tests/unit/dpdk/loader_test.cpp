#include "dpdk/loader.hpp"

#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>

namespace ringtail::dpdk {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

std::string mapped_files() {
  std::ifstream maps("/proc/self/maps");
  return {std::istreambuf_iterator<char>(maps), {}};
}

OpenOptions options_without_huge_pages() {
  OpenOptions options;
  options.buffer_bytes = std::size_t{16} << 20;
  options.dpdk.huge_pages = false;
  return options;
}

TEST(Loader, NothingOfDpdkIsLoadedBeforeTheFirstOpen) {
  if (mapped_files().find("libringtail-dpdk") != std::string::npos) GTEST_SKIP() << "another case has loaded it";
  EXPECT_THAT(mapped_files(), Not(HasSubstr("librte_")));

  setenv("RINGTAIL_MODULE_DIR", "/nonexistent", 1);
  const auto missing = open_dpdk("dpdk:net_null0", options_without_huge_pages());
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("/nonexistent/libringtail-dpdk.so"));
  EXPECT_THAT(missing.error().message(), HasSubstr("RINGTAIL_MODULE_DIR"));

  setenv("RINGTAIL_MODULE_DIR", MODULE_DIRECTORY, 1);
  EXPECT_TRUE(open_dpdk("dpdk:net_null0", options_without_huge_pages()));
  EXPECT_THAT(mapped_files(), HasSubstr("librte_"));
}

// Everything a program does with a source crosses from its code to the module's and back.
TEST(Loader, ASourceOfTheModuleBehavesLikeAnyOther) {
  setenv("RINGTAIL_MODULE_DIR", MODULE_DIRECTORY, 1);
  auto backend = open_dpdk("dpdk:net_null0,size=128", options_without_huge_pages());
  ASSERT_TRUE(backend) << backend.error().message();
  Source source(std::move(*backend));
  Received received = source.receive(1s);
  ASSERT_EQ(received.status, ReceiveStatus::packets);
  EXPECT_EQ(received.batch[0].captured_length(), 128U);
  received.batch.keep_first(3);
  Batch held = std::move(received.batch);
  source.stop();
  while (source.receive(1s).status != ReceiveStatus::end_of_stream) {
  }
  EXPECT_EQ(source.stats().delivered + source.stats().unread, source.stats().received);
  EXPECT_EQ(source.interface(0).name, "net_null0");
  EXPECT_EQ(source.counters().at(0).name, "imissed");

  source = Source(nullptr);
  held.reset();
  const auto failed = open_dpdk("dpdk:net_nonsense0", options_without_huge_pages());
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message(), HasSubstr("net_nonsense0"));
}

}  // namespace
}  // namespace ringtail::dpdk
