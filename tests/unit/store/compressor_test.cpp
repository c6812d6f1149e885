// Finished files become compressed ones that zstd takes for its own, and that can be read from the middle.
#include "store/compressor.hpp"

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <zstd.h>

#include "store/frame_table.hpp"
#include "store/seekable_zstd.hpp"
#include "unit/pcapfile/judge.hpp"

namespace ringtail::store {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

/// Half of it is noise.
std::string make_content(std::size_t bytes, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string content(bytes, 'x');
  for (std::size_t at = 0; at < bytes; at += 2) content[at] = static_cast<char>(random());
  return content;
}

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class CompressorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string made = testing::TempDir() + "ringtail-compressor-XXXXXX";
    ASSERT_NE(::mkdtemp(made.data()), nullptr);
    path_ = made;
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::shared_ptr<StorageDirectory> open(Quota quota = {}) const {
    return StorageDirectory::open(
               {.directory = path_, .file_name = "{capture}_{sequence}", .capture = "c", .quota = quota})
        .value();
  }
  static void store(StorageDirectory& storage, const std::string& content) {
    OutputFile file = storage.create().value();
    ASSERT_EQ(::write(file.descriptor.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    file.descriptor.close();
    ASSERT_TRUE(storage.publish(file, content.size()).has_value());
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  void wait_until_there(const std::string& name) const {
    const auto latest = std::chrono::steady_clock::now() + 20s;
    while (!std::filesystem::exists(path(name)) && std::chrono::steady_clock::now() < latest) {
      std::this_thread::sleep_for(5ms);
    }
    ASSERT_TRUE(std::filesystem::exists(path(name))) << name;
  }
  static Compressor start(const std::shared_ptr<StorageDirectory>& storage) {
    return {storage, [](const Error& error) { ADD_FAILURE() << error.message(); }};
  }
  /// Compresses `from` and returns what that became.
  [[nodiscard]] std::string compress(const std::string& from) const {
    const base::FileDescriptor in(::open(path(from).c_str(), O_RDONLY | O_CLOEXEC));
    const base::FileDescriptor out(::open(path(from + ".zst").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    const auto bytes = compress_seekably(in.get(), out.get(), from, std::atomic<bool>(false));
    EXPECT_EQ(bytes.value(), std::filesystem::file_size(path(from + ".zst")));
    return path(from + ".zst");
  }

  std::string path_;
};

TEST_F(CompressorTest, ZstdReadsWhatItMakes) {
  RINGTAIL_NEEDS_PROGRAM("zstd");
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, zstd_frame_bytes, 2 * zstd_frame_bytes + 12345}) {
    std::ofstream(path("file"), std::ios::binary) << make_content(bytes);
    const std::string compressed = compress("file");
    EXPECT_EQ(test::run("zstd -qt '" + compressed + "' 2>&1").exit_status, 0) << bytes;
    EXPECT_EQ(test::run("zstd -qdc '" + compressed + "' | cmp - '" + path("file") + "' 2>&1").exit_status, 0) << bytes;
    const base::FileDescriptor file(::open(compressed.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(frame_table::original_bytes(file.get()), bytes);
    std::filesystem::remove(compressed);
  }
}

TEST_F(CompressorTest, AFrameFromTheMiddleCanBeReadAlone) {
  const std::string content = make_content(3 * zstd_frame_bytes + 5);
  std::ofstream(path("file"), std::ios::binary) << content;
  const std::string bytes = read_all(compress("file"));
  constexpr std::size_t frames = 4;
  const std::size_t table =
      sizeof(frame_table::Head) + frames * sizeof(frame_table::Entry) + sizeof(frame_table::Footer);
  frame_table::Entry entries[frames];
  std::memcpy(entries, bytes.data() + bytes.size() - table + sizeof(frame_table::Head), sizeof entries);
  std::string frame(zstd_frame_bytes, '\0');
  const std::size_t begin = std::size_t{entries[0].compressed_bytes} + entries[1].compressed_bytes;
  EXPECT_EQ(ZSTD_decompress(frame.data(), frame.size(), bytes.data() + begin, entries[2].compressed_bytes),
            zstd_frame_bytes);
  EXPECT_EQ(frame, content.substr(2 * zstd_frame_bytes, zstd_frame_bytes));
  EXPECT_EQ(entries[3].original_bytes, 5U);
}

TEST_F(CompressorTest, DamagedTablesAreNone) {
  std::ofstream(path("file"), std::ios::binary) << make_content(100'000);
  const std::string bytes = read_all(compress("file"));
  for (std::size_t cut = 1; cut < 40; ++cut) {
    std::ofstream(path("cut"), std::ios::binary) << bytes.substr(0, bytes.size() - cut);
    const base::FileDescriptor file(::open(path("cut").c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(frame_table::original_bytes(file.get())) << cut;
  }
}

TEST_F(CompressorTest, TakesThePlaceAndTheAgeOfFinishedFiles) {
  const auto storage = open();
  const std::string content = make_content(300'000);
  store(*storage, content);
  store(*storage, content);
  const timespec long_ago[2] = {{.tv_sec = 1'000'000, .tv_nsec = 5}, {.tv_sec = 1'000'000, .tv_nsec = 5}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path("c_00001").c_str(), long_ago, 0), 0);
  {
    const Compressor compressor = start(storage);
    wait_until_there("c_00002.zst");
  }
  EXPECT_THAT(names(), ElementsAre("c_00001.zst", "c_00002.zst"));
  struct stat status {};
  ASSERT_EQ(::stat(path("c_00001.zst").c_str(), &status), 0);
  EXPECT_EQ(status.st_mtim.tv_sec, 1'000'000);
  const std::uint64_t bytes =
      std::filesystem::file_size(path("c_00001.zst")) + std::filesystem::file_size(path("c_00002.zst"));
  EXPECT_LT(bytes, 450'000U);
  EXPECT_EQ(storage->figures().bytes, bytes);
  const CompressionFigures figures = storage->figures().compression;
  EXPECT_EQ(figures.files, 2U);
  EXPECT_EQ(figures.input_bytes, 600'000U);
  EXPECT_EQ(figures.output_bytes, bytes);
  EXPECT_EQ(figures.waiting_files, 0U);
  EXPECT_EQ(figures.waiting_bytes, 0U);
  EXPECT_EQ(open()->figures().bytes, bytes) << "the next run knows them again";
  store(*open(), "x");
  EXPECT_THAT(names(), ElementsAre("c_00001.zst", "c_00002.zst", "c_00003")) << "and counts on from them";
  open({.bytes = bytes})->enforce_quota();
  EXPECT_THAT(names(), ElementsAre("c_00002.zst", "c_00003"));
}

TEST_F(CompressorTest, LeavesAFileThatIsReadAlone) {
  const auto storage = open();
  store(*storage, make_content(1000));
  store(*storage, make_content(1000));
  const base::FileDescriptor reader(::open(path("c_00001").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(reader.get(), LOCK_SH), 0);
  const Compressor compressor = start(storage);
  wait_until_there("c_00002.zst");
  EXPECT_TRUE(std::filesystem::exists(path("c_00001")));
  ASSERT_EQ(::flock(reader.get(), LOCK_UN), 0);
  wait_until_there("c_00001.zst");
}

TEST_F(CompressorTest, TheQuotaMayTakeAFileAwayMeanwhile) {
  const auto storage = open({.bytes = 1'000});
  store(*storage, make_content(500));
  const auto file = storage->oldest_uncompressed({});
  ASSERT_TRUE(file);
  const OutputFile compressed = storage->create_compressed(*file).value();
  store(*storage, make_content(900));
  ASSERT_THAT(names(), ElementsAre(".c_00001.zst.part", "c_00002"));
  EXPECT_TRUE(storage->exchange(*file, compressed, 100).has_value());
  EXPECT_THAT(names(), ElementsAre("c_00002"));
  EXPECT_EQ(storage->figures().bytes, 900U);
  EXPECT_EQ(storage->figures().compression.files, 0U);
  EXPECT_EQ(storage->figures().compression.waiting_bytes, 900U);
}

TEST_F(CompressorTest, ACrashLeavesNoHalfFile) {
  store(*open(), make_content(1000));
  std::ofstream(path(".c_00001.zst.part"), std::ios::binary) << "half a file";
  EXPECT_EQ(open()->figures().files, 1U);
  EXPECT_THAT(names(), ElementsAre("c_00001"));
}

TEST_F(CompressorTest, ACrashMayLeaveBoth) {
  store(*open(), make_content(1000));
  store(*open(), make_content(2000));
  (void)compress("c_00001");
  std::ofstream(path("c_00002.zst"), std::ios::binary) << "somebody else's";
  const auto storage = open();
  EXPECT_THAT(names(), ElementsAre("c_00001.zst", "c_00002", "c_00002.zst"))
      << "only what holds the whole of a file takes its place";
  EXPECT_EQ(storage->figures().files, 3U);
  EXPECT_EQ(storage->figures().compression.waiting_files, 1U);
  EXPECT_EQ(storage->figures().compression.waiting_bytes, 2000U);
}

}  // namespace
}  // namespace ringtail::store
