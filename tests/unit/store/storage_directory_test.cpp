#include "store/storage_directory.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file_descriptor.hpp"

namespace ringtail::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StorageDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string made = testing::TempDir() + "ringtail-storage-XXXXXX";
    ASSERT_NE(::mkdtemp(made.data()), nullptr);
    path_ = made;
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  StorageOptions options(Quota quota = {}) const {
    return {.directory = path_,
            .file_name = "{capture}_{sequence}",
            .capture = "c",
            .quota = quota,
            .format = FileFormat::pcap};
  }
  std::shared_ptr<StorageDirectory> open(Quota quota = {}) const {
    return StorageDirectory::open(options(quota)).value();
  }
  /// A finished file of that many bytes.
  static void store(StorageDirectory& storage, std::uint64_t bytes) {
    OutputFile file = storage.create().value();
    ASSERT_EQ(::ftruncate(file.descriptor.get(), static_cast<off_t>(bytes)), 0);
    file.descriptor.close();
    ASSERT_TRUE(storage.publish(file, bytes).has_value());
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ + "/" + name, std::ios::binary) << bytes;
  }
  /// A classic pcap file with that many packets of four bytes, and something torn behind them.
  static std::string pcap(int packets, const std::string& torn = {}) {
    std::string bytes("\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\x04\0\x01\0\0\0", 24);
    for (int packet = 0; packet < packets; ++packet) {
      bytes += std::string("\x01\0\0\0\0\0\0\0\x04\0\0\0\x04\0\0\0data", 20);
    }
    return bytes + torn;
  }

  std::string path_;
};

TEST_F(StorageDirectoryTest, NamesAFileWhenItIsComplete) {
  const auto storage = open();
  OutputFile file = storage->create().value();
  EXPECT_THAT(names(), ElementsAre(".c_00001.part"));
  file.descriptor.close();
  EXPECT_EQ(storage->publish(file, 0).value(), path_ + "/c_00001");
  EXPECT_THAT(names(), ElementsAre("c_00001"));
}

TEST_F(StorageDirectoryTest, GivesANameToAFileOpenedAhead) {
  const auto storage = open();
  auto file = storage->create_unnamed();
  if (!file) GTEST_SKIP() << "this file system has no files without names";
  EXPECT_THAT(names(), IsEmpty());
  ASSERT_TRUE(storage->name(*file));
  EXPECT_THAT(names(), ElementsAre(".c_00001.part"));
}

TEST_F(StorageDirectoryTest, CountsOnFromEarlierRuns) {
  store(*open(), 10);
  const auto storage = open();
  store(*storage, 10);
  EXPECT_THAT(names(), ElementsAre("c_00001", "c_00002"));
  EXPECT_EQ(storage->figures().files, 2U);
  EXPECT_EQ(storage->figures().bytes, 20U);
}

TEST_F(StorageDirectoryTest, DeletesTheOldestBeyondTheQuota) {
  store(*open(), 60);
  const auto storage = open({.bytes = 100});
  store(*storage, 30);
  store(*storage, 30);
  EXPECT_THAT(names(), ElementsAre("c_00002", "c_00003"));
  EXPECT_EQ(storage->figures().deleted, 1U);
}

TEST_F(StorageDirectoryTest, DeletesWhatIsMoreThanItsShareOfTheDisk) {
  struct statvfs disk {};
  ASSERT_EQ(::statvfs(path_.c_str(), &disk), 0);
  const double hundred_bytes = 100 * 100.0 / (static_cast<double>(disk.f_frsize) * static_cast<double>(disk.f_blocks));
  const auto storage = open({.disk_percent = hundred_bytes});
  for (int file = 0; file < 3; ++file) store(*storage, 40);
  EXPECT_THAT(names(), ElementsAre("c_00002", "c_00003"));
}

TEST_F(StorageDirectoryTest, DeletesWhileTooLittleIsFree) {
  const auto storage = open({.free_percent = 100});  // never, while there is a file
  EXPECT_GT(storage->free_percent(), 0);
  store(*storage, 40);
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_EQ(storage->figures().deleted, 1U);
}

TEST_F(StorageDirectoryTest, TakesAnyAgeThatAFileMayHave) {
  store(*open(), 60);
  store(*open(), 60);
  const auto set_age = [this](const char* name, std::time_t seconds) {
    const timespec times[2] = {{.tv_sec = seconds, .tv_nsec = 0}, {.tv_sec = seconds, .tv_nsec = 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (path_ + "/" + name).c_str(), times, 0), 0);
  };
  set_age("c_00001", 15'000'000'000);  // 2445
  set_age("c_00002", -2'000'000'000);  // 1906
  const auto storage = open({.bytes = 100, .age = std::chrono::hours(1)});
  storage->enforce_quota();
  EXPECT_THAT(names(), ElementsAre("c_00001"));
}

TEST_F(StorageDirectoryTest, DeletesWhatIsTooOld) {
  store(*open(), 60);
  const timespec long_ago[2] = {{.tv_sec = 1'000'000, .tv_nsec = 0}, {.tv_sec = 1'000'000, .tv_nsec = 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (path_ + "/c_00001").c_str(), long_ago, 0), 0);
  const auto storage = open({.age = std::chrono::hours(1)});
  store(*storage, 1);
  EXPECT_THAT(names(), ElementsAre("c_00002"));
}

TEST_F(StorageDirectoryTest, PassesOverAFileThatIsRead) {
  store(*open(), 60);
  store(*open(), 60);
  const base::FileDescriptor reader(::open((path_ + "/c_00001").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(reader.get(), LOCK_SH), 0);
  open({.bytes = 100})->enforce_quota();
  EXPECT_THAT(names(), ElementsAre("c_00001"));
}

TEST_F(StorageDirectoryTest, RemembersWhatItCouldNotEvenOpen) {
  const auto storage = open({.bytes = 100});
  store(*storage, 60);
  {
    rlimit usual{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = usual.rlim_max};
    OutputFile file = storage->create().value();
    file.descriptor.close();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_TRUE(storage->publish(file, 60).has_value());
    const auto enforced = storage->enforce_quota();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
    ASSERT_FALSE(enforced.has_value());
    EXPECT_EQ(enforced.error().error_number, EMFILE);
    EXPECT_THAT(enforced.error().message(), testing::HasSubstr("c_00001"));
  }
  EXPECT_EQ(storage->figures().files, 2U);
  EXPECT_EQ(storage->figures().deleted, 0U);
  EXPECT_TRUE(storage->enforce_quota().has_value());
  EXPECT_EQ(storage->figures().deleted, 1U);
  EXPECT_THAT(names(), ElementsAre("c_00002"));
}

TEST_F(StorageDirectoryTest, RemembersWhatItCouldNotDelete) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", path_.c_str(), "tmpfs", 0, nullptr) != 0) {
    GTEST_SKIP() << "no file system may be mounted here";
  }
  for (int file = 0; file < 3; ++file) write("c_0000" + std::to_string(file), "old");
  const auto storage = open({.free_percent = 100});
  ASSERT_EQ(::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_EQ(storage->enforce_quota().error().error_number, EROFS);
  EXPECT_EQ(storage->figures().files, 3U);
  EXPECT_EQ(storage->figures().deleted, 0U);
  ASSERT_EQ(::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT, nullptr), 0);
  EXPECT_TRUE(storage->enforce_quota().has_value());
  EXPECT_EQ(storage->figures().deleted, 3U);
  EXPECT_THAT(names(), IsEmpty());
  ::umount2(path_.c_str(), MNT_DETACH);
}

TEST_F(StorageDirectoryTest, ForgetsWhatOthersHaveDeleted) {
  const auto storage = open({.bytes = 100});
  for (int file = 0; file < 2; ++file) store(*storage, 50);
  std::filesystem::remove(path_ + "/c_00001");
  store(*storage, 50);
  EXPECT_EQ(storage->figures().files, 2U);
  EXPECT_EQ(storage->figures().deleted, 0U);
  EXPECT_THAT(names(), ElementsAre("c_00002", "c_00003"));
}

TEST_F(StorageDirectoryTest, LeavesFilesOfOthersAlone) {
  write("notes.txt", std::string(1000, 'x'));
  write("d_00001", std::string(1000, 'x'));
  std::filesystem::create_symlink("notes.txt", path_ + "/c_00001");
  const auto storage = open({.bytes = 1});
  storage->enforce_quota();
  EXPECT_EQ(storage->figures().files, 0U);
  EXPECT_THAT(names(), ElementsAre("c_00001", "d_00001", "notes.txt"));
}

TEST_F(StorageDirectoryTest, NeitherFollowsNorReplacesWhatIsPlanted) {
  const auto storage = open();
  write("victim", "precious");
  std::filesystem::create_symlink("victim", path_ + "/.c_00001.part");
  OutputFile file = storage->create().value();
  EXPECT_EQ(file.path, path_ + "/.c_00002.part");
  std::filesystem::create_symlink("victim", path_ + "/c_00002");
  file.descriptor.close();
  EXPECT_EQ(storage->publish(file, 0).value(), path_ + "/c_00003");
  EXPECT_EQ(std::filesystem::file_size(path_ + "/victim"), 8U);
}

TEST_F(StorageDirectoryTest, KeepsItsNamesShortWhateverIsPlanted) {
  write("c_999999999999999999", "theirs");
  store(*open(), 60);
  store(*open(), 60);
  EXPECT_THAT(names(), ElementsAre("c_00001", "c_00002", "c_999999999999999999"));
  EXPECT_EQ(open()->figures().files, 3U) << "all count for the quota";
}

TEST_F(StorageDirectoryTest, DoesNotPublishAFileThatSomebodyPutInPlaceOfOurs) {
  const auto storage = open();
  OutputFile file = storage->create().value();
  std::filesystem::remove(file.path);
  write(".c_00001.part", "theirs");
  EXPECT_FALSE(storage->publish(file, 0).has_value());
}

TEST_F(StorageDirectoryTest, FinishesWhatACrashHasLeft) {
  write(".c_00007.part", pcap(3, std::string("\x01\0\0\0\0\0\0\0\x04\0\0\0\x04\0\0\0da", 18)));
  write(".c_00008.part", pcap(0));
  const auto storage = open();
  EXPECT_THAT(names(), ElementsAre("c_00007")) << "a file without packets is not worth its name";
  EXPECT_EQ(std::filesystem::file_size(path_ + "/c_00007"), pcap(3).size());
  ASSERT_EQ(storage->leftovers().size(), 1U);
  EXPECT_EQ(storage->leftovers().front().packets, 3U);
  EXPECT_EQ(storage->leftovers().front().cut_bytes, 18U);
  EXPECT_EQ(storage->create()->path, path_ + "/.c_00009.part");
}

TEST_F(StorageDirectoryTest, LeavesAFileThatIsStillBeingWritten) {
  const auto writer = open();
  const OutputFile file = writer->create().value();
  const auto second = open();
  EXPECT_THAT(names(), ElementsAre(".c_00001.part"));
  EXPECT_EQ(second->create()->path, path_ + "/.c_00002.part");
}

TEST_F(StorageDirectoryTest, StaysInItsDirectoryWhenThatIsMoved) {
  const auto storage = open();
  const std::string elsewhere = path_ + "-moved";
  std::filesystem::rename(path_, elsewhere);
  std::filesystem::create_directory(path_);
  store(*storage, 1);
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(elsewhere + "/c_00001"));
  std::filesystem::remove_all(elsewhere);
}

TEST_F(StorageDirectoryTest, SaysWhyADirectoryCannotBeUsed) {
  StorageOptions wrong = options();
  wrong.directory += "/nowhere";
  const auto storage = StorageDirectory::open(wrong);
  ASSERT_FALSE(storage.has_value());
  EXPECT_THAT(storage.error().message(), testing::HasSubstr("nowhere"));
}

TEST_F(StorageDirectoryTest, AnotherQuotaHoldsFromNowOn) {
  const auto storage = open();
  for (int file = 0; file < 4; ++file) store(*storage, 10);
  storage->change_quota({.bytes = 20});
  ASSERT_TRUE(storage->enforce_quota().has_value());
  EXPECT_THAT(names(), ElementsAre("c_00003", "c_00004"));
  store(*storage, 10);
  EXPECT_THAT(names(), ElementsAre("c_00004", "c_00005"));
  EXPECT_EQ(storage->figures().deleted, 3U);
}

/// What was open when the settings changed is published where it was begun.
TEST_F(StorageDirectoryTest, WhatWasPublishedIntoTheOneBeforeIsNotForgotten) {
  const auto before = open({.bytes = 25});
  for (int file = 0; file < 3; ++file) store(*before, 10);
  OutputFile still_open = before->create().value();
  StorageOptions others = options({.bytes = 25});
  others.group_readable = true;
  EXPECT_FALSE(others.has_same_files(options()));
  const auto after = StorageDirectory::open(others).value();
  still_open.descriptor.close();
  ASSERT_TRUE(before->publish(still_open, 10).has_value());
  store(*after, 10);
  after->take_over(*before);
  ASSERT_TRUE(after->enforce_quota().has_value());
  EXPECT_THAT(names(), ElementsAre("c_00004", "c_00005"));
  EXPECT_EQ(after->figures().files, 2U);
  EXPECT_EQ(after->figures().bytes, 20U);
  EXPECT_GE(after->figures().deleted, 2U) << "those counted before count on";
}

TEST_F(StorageDirectoryTest, FilesOfAnotherDirectoryStayThere) {
  const auto before = open();
  store(*before, 10);
  const std::string elsewhere = path_ + "/elsewhere";
  std::filesystem::create_directory(elsewhere);
  StorageOptions others = options({.bytes = 1});
  others.directory = elsewhere;
  const auto after = StorageDirectory::open(others).value();
  after->take_over(*before);
  ASSERT_TRUE(after->enforce_quota().has_value());
  EXPECT_EQ(after->figures().files, 0U);
  EXPECT_THAT(names(), ElementsAre("c_00001", "elsewhere"));
}

}  // namespace
}  // namespace ringtail::store
