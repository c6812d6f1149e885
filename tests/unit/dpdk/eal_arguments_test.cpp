#include "dpdk/eal_arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringtail::dpdk {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::size_t hundred_mebibytes = std::size_t{100} << 20;

std::vector<std::string> arguments_of(const DpdkOptions& options) {
  auto arguments = eal_arguments(options, {2, 3}, hundred_mebibytes);
  EXPECT_TRUE(arguments);
  return arguments ? *arguments : std::vector<std::string>{};
}

TEST(EalArguments, LeaveNothingBehindAndTakeNoDeviceByDefault) {
  EXPECT_THAT(arguments_of({}), ElementsAre("ringtail", "--lcores=0@(2,3)", "--no-telemetry", "-a", "ffff:ff:1f.7",
                                            "--in-memory", "--single-file-segments"));
}

TEST(EalArguments, WithoutHugePagesTheMemoryIsReservedAtOnce) {
  EXPECT_THAT(arguments_of({.huge_pages = false}),
              ElementsAre("ringtail", "--lcores=0@(2,3)", "--no-telemetry", "-a", "ffff:ff:1f.7", "--no-shconf",
                          "--no-huge", "-m", "100"));
}

TEST(EalArguments, APrefixMeansFilesForSecondaryProcesses) {
  const auto arguments = arguments_of({.file_prefix = "tap"});
  EXPECT_TRUE(owns_files({.file_prefix = "tap"}));
  EXPECT_FALSE(owns_files({.eal_arguments = "--in-memory", .file_prefix = "tap"}));
  EXPECT_FALSE(owns_files({}));
  EXPECT_THAT(arguments, Contains("--file-prefix=tap"));
  EXPECT_THAT(arguments, Not(Contains("--in-memory")));
}

TEST(EalArguments, FilesWithoutANameAreOneForEachPage) {
  EXPECT_THAT(arguments_of({.eal_arguments = "--huge-unlink=always", .file_prefix = "tap"}),
              Not(Contains("--single-file-segments")));
}

TEST(EalArguments, ASecondaryProcessTakesMemoryAndDevicesOfTheApplication) {
  const auto arguments = secondary_eal_arguments("web", {.eal_arguments = "--log-level=8"}, {2, 3});
  ASSERT_TRUE(arguments);
  EXPECT_THAT(*arguments, ElementsAre("ringtail", "--lcores=0@(2,3)", "--no-telemetry", "--proc-type=secondary",
                                      "--file-prefix=web", "--log-level=8"));
  EXPECT_TRUE(secondary_eal_arguments("web", {.eal_arguments = "--help"}, {2, 3}).error().bad_usage);
}

TEST(EalArguments, TheUsersWordIsLastAndReplacesOurs) {
  const auto arguments = arguments_of({.eal_arguments = " -l 5  --telemetry -a 0000:03:00.0 --no-huge -m 64"});
  EXPECT_THAT(arguments, ElementsAre("ringtail", "--no-shconf", "-l", "5", "--telemetry", "-a", "0000:03:00.0",
                                     "--no-huge", "-m", "64"));
}

TEST(EalArguments, NothingThatEndsTheProgramGetsThrough) {
  for (const char* text : {"-h", "--help", "--hel", "--he", "-vh", "-l 0 -vvh", "--log-level=help", "--log-level help",
                           "--log-l=help", "--lo help", "-v --log-level=8 --log-level=help"}) {
    const auto arguments = eal_arguments({.eal_arguments = text}, {0}, hundred_mebibytes);
    ASSERT_FALSE(arguments) << text;
    EXPECT_TRUE(arguments.error().bad_usage);
  }
  for (const char* text :
       {"--huge-dir=/mnt", "--huge-unlink", "-v", "--log-level=lib.eal:8", "--log-level 8", "--log-level"}) {
    EXPECT_TRUE(eal_arguments({.eal_arguments = text}, {0}, hundred_mebibytes)) << text;
  }
}

TEST(EalArguments, TheLogIsShownToThoseWhoAskForIt) {
  EXPECT_FALSE(wants_log({}));
  EXPECT_TRUE(wants_log({.eal_arguments = "--log-level=lib.eal:debug"}));
}

}  // namespace
}  // namespace ringtail::dpdk
