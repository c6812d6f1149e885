#include "dpdk/huge_pages.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace ringtail::dpdk {
namespace {

using testing::HasSubstr;

constexpr std::size_t mebibyte = std::size_t{1} << 20;

// A directory that looks like /sys/kernel/mm/hugepages.
class HugePages : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(root_); }

  struct Numbers {
    int total = 0;
    int free = 0;
    int promised = 0;
    int overcommit = 0;
    int surplus = 0;
  };
  void add_size(int kibibytes, const Numbers& numbers) {
    const auto directory = root_ / ("hugepages-" + std::to_string(kibibytes) + "kB");
    std::filesystem::create_directories(directory);
    std::ofstream(directory / "nr_hugepages") << numbers.total << '\n';
    std::ofstream(directory / "free_hugepages") << numbers.free << '\n';
    std::ofstream(directory / "resv_hugepages") << numbers.promised << '\n';
    std::ofstream(directory / "nr_overcommit_hugepages") << numbers.overcommit << '\n';
    std::ofstream(directory / "surplus_hugepages") << numbers.surplus << '\n';
  }
  [[nodiscard]] Result<void> check(std::size_t bytes) const { return check_huge_pages(read_huge_pages(root_), bytes); }

  std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("ringtail-huge-pages-" + std::to_string(::getpid()));
};

TEST_F(HugePages, EnoughOfOneSizeIsEnough) {
  add_size(2048, {.total = 64, .free = 40});
  add_size(1048576, {});
  EXPECT_TRUE(check(80 * mebibyte));
  EXPECT_FALSE(check(80 * mebibyte + 1));
}

TEST_F(HugePages, PromisedPagesAreNotFreeAndOvercommitIs) {
  add_size(2048, {.total = 40, .free = 40, .promised = 30, .overcommit = 5, .surplus = 2});
  EXPECT_TRUE(check(26 * mebibyte));  // 10 + 3 pages
  EXPECT_FALSE(check(28 * mebibyte));
}

TEST_F(HugePages, TheErrorNamesWhatIsMissingWhoHasItAndWhatToDo) {
  add_size(2048, {.total = 256, .free = 6});
  const auto result = check(128 * mebibyte);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(),
              HasSubstr("64 huge pages of 2 MiB are needed, 6 are free (other programs hold 250)"));
  EXPECT_THAT(result.error().message(), HasSubstr("hugepages.sh --apply reserve 314"));
  EXPECT_THAT(result.error().message(), HasSubstr("--no-huge"));
}

TEST_F(HugePages, AKernelWithoutThemIsAnErrorToo) {
  const auto result = check(mebibyte);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("--no-huge"));
}

}  // namespace
}  // namespace ringtail::dpdk
