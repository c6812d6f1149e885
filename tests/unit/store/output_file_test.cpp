#include "store/output_file.hpp"

#include <fcntl.h>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "store/file_names.hpp"
#include "unit/store/recording_fixture.hpp"

namespace ringtail::store {
namespace {

using test::RecorderTest;
using testing::HasSubstr;

class OutputFileTest : public RecorderTest {
 protected:
  static std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// Opening `path` must fail and say `reason`.
  static void expect_refused(const std::string& path, const std::string& reason) {
    const auto file = open_output(path, false);
    ASSERT_FALSE(file);
    EXPECT_THAT(file.error().message(), HasSubstr(path));
    EXPECT_THAT(file.error().message(), HasSubstr(reason));
    EXPECT_FALSE(file.error().bad_usage);
  }
};

TEST_F(OutputFileTest, AnExistingFileIsReplacedByANewInode) {
  std::ofstream(path("out")) << "old";
  const int reader = ::open(path("out").c_str(), O_RDONLY);
  struct stat before {};
  ASSERT_EQ(::fstat(reader, &before), 0);
  const auto file = open_output(path("out"), false);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_NE(file->inode, before.st_ino);
  EXPECT_EQ(content(path("out")), "");
  char old[4] = {};
  EXPECT_EQ(::read(reader, old, sizeof old), 3) << "whoever reads the old file goes on reading it";
  ::close(reader);
}

TEST_F(OutputFileTest, ModeIsTheOwnersOrTheGroupsToo) {
  const mode_t mask = ::umask(0);
  for (const bool group_readable : {false, true}) {
    const auto file = open_output(path("out"), group_readable);
    ASSERT_TRUE(file);
    struct stat status {};
    ASSERT_EQ(::fstat(file->descriptor.get(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, group_readable ? 0640U : 0600U);
  }
  ::umask(mask);
}

TEST_F(OutputFileTest, APlantedSymbolicLinkIsRefusedAndItsTargetUntouched) {
  std::ofstream(path("victim")) << "precious";
  std::filesystem::create_symlink(path("victim"), path("out"));
  expect_refused(path("out"), "symbolic link");
  std::filesystem::create_symlink(path("nowhere"), path("dangling"));
  expect_refused(path("dangling"), "symbolic link");
  EXPECT_EQ(content(path("victim")), "precious");
  EXPECT_FALSE(std::filesystem::exists(path("nowhere")));
}

TEST_F(OutputFileTest, AHardLinkIsRefusedAndTheOtherNameUntouched) {
  std::ofstream(path("victim")) << "precious";
  std::filesystem::create_hard_link(path("victim"), path("out"));
  expect_refused(path("out"), "2 names");
  EXPECT_EQ(content(path("victim")), "precious");
}

TEST_F(OutputFileTest, DirectoriesAndMissingDirectoriesAreRefused) {
  expect_refused(directory_, "directory");
  expect_refused(path("missing/out"), "No such file or directory");
}

TEST_F(OutputFileTest, AFifoWaitsForItsReader) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  std::thread reader([&] { ::close(::open(path("fifo").c_str(), O_RDONLY)); });
  const auto file = open_output(path("fifo"), false);
  reader.join();
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->kind, OutputKind::stream);
  EXPECT_FALSE(file->is_ours);
}

TEST_F(OutputFileTest, CharacterDevicesAreOpened) {
  const auto file = open_output("/dev/null", false);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->kind, OutputKind::stream);
}

TEST_F(OutputFileTest, ADescriptorCanBeNamed) {
  int ends[2] = {};
  ASSERT_EQ(::pipe(ends), 0);
  const auto file = open_output("/dev/fd/" + std::to_string(ends[1]), false);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->kind, OutputKind::stream);
  ASSERT_EQ(::write(file->descriptor.get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 1);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(OutputFileTest, AppendedOutputBeginsWhereTheFileEnded) {
  std::ofstream(path("log")) << "12345";
  const base::FileDescriptor log(::open(path("log").c_str(), O_WRONLY | O_APPEND));
  const auto file = open_output("/dev/fd/" + std::to_string(log.get()), false);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->kind, OutputKind::regular);
  EXPECT_EQ(file->start_offset, 5U);
  EXPECT_FALSE(file->is_ours);
}

TEST_F(OutputFileTest, AFileWithoutANameGetsOneAndIsPrivate) {
  auto file = open_unnamed(directory_, true);
  if (!file) GTEST_SKIP() << "this file system has no files without names";
  EXPECT_THAT(files(), testing::IsEmpty());
  ASSERT_EQ(::write(file->descriptor.get(), "x", 1), 1);
  ASSERT_TRUE(name_output(*file, path("out")));
  EXPECT_EQ(file->path, path("out"));
  EXPECT_TRUE(file->is_ours);
  EXPECT_EQ(content(path("out")), "x");
  struct stat status {};
  ASSERT_EQ(::stat(path("out").c_str(), &status), 0);
  EXPECT_EQ(status.st_ino, file->inode);
  EXPECT_EQ(status.st_nlink, 1U);
  EXPECT_EQ(status.st_mode & 0137, 0U);
}

TEST_F(OutputFileTest, NamingAFileReplacesNothingAndFollowsNoLink) {
  auto file = open_unnamed(directory_, false);
  if (!file) GTEST_SKIP() << "this file system has no files without names";
  std::ofstream(path("taken")) << "somebody's";
  std::filesystem::create_symlink(path("nowhere"), path("link"));
  EXPECT_FALSE(name_output(*file, path("taken")));
  EXPECT_FALSE(name_output(*file, path("link")));
  EXPECT_FALSE(name_output(*file, path("none/out")));
  EXPECT_EQ(content(path("taken")), "somebody's");
  EXPECT_FALSE(std::filesystem::exists(path("nowhere")));
  EXPECT_TRUE(name_output(*file, path("free")));
}

TEST(FileNames, FollowDumpcap) {
  ::setenv("TZ", "UTC-1", 1);
  ::tzset();
  EXPECT_EQ(numbered_file_name("out.pcapng", 1, 0), "out_00001_19700101010000.pcapng");
  EXPECT_EQ(numbered_file_name("/a.b/out", 12, 0), "/a.b/out_00012_19700101010000");
  EXPECT_EQ(numbered_file_name("out.2.pcap", 123456, 0), "out.2_123456_19700101010000.pcap");
}

}  // namespace
}  // namespace ringtail::store
