#include <gmock/gmock.h>

#include <ringtail/recorder.hpp>

#include "store/storage_directory.hpp"
#include "unit/store/recording_fixture.hpp"

namespace ringtail {
namespace {

using test::PacketFeed;

class StorageRecordingTest : public test::RecorderTest {
 protected:
  RecorderOptions options(std::optional<std::uint64_t> file_packets = {}) const {
    RecorderOptions options;
    options.rotation.file_packets = file_packets;
    options.storage = store::StorageDirectory::open(
                          {.directory = directory_, .file_name = "{capture}_{sequence}.pcapng", .capture = "c"})
                          .value();
    return options;
  }
};

TEST_F(StorageRecordingTest, ShowsFilesOnlyWhenTheyAreComplete) {
  PacketFeed feed;
  auto recorder = Recorder::create(options(10), {&feed.source}).value();
  EXPECT_EQ(files(), std::vector{path(".c_00001.pcapng.part")});
  feed.write(recorder, 0, 35);
  recorder.tick();
  ASSERT_TRUE(recorder.finish().has_value());
  EXPECT_EQ(files(), (std::vector{path("c_00001.pcapng"), path("c_00002.pcapng"), path("c_00003.pcapng"),
                                  path("c_00004.pcapng")}));
  EXPECT_EQ(test::count_packets(files()), 35);
}

TEST_F(StorageRecordingTest, GoesOnToTheNextFileWhenAsked) {
  PacketFeed feed;
  auto recorder = Recorder::create(options(), {&feed.source}).value();
  feed.write(recorder, 0, 3);
  recorder.rotate();
  feed.write(recorder, 0, 4);
  ASSERT_TRUE(recorder.finish().has_value());
  EXPECT_EQ(files().size(), 2U);
  EXPECT_EQ(test::count_packets(files()), 7);
}

TEST_F(StorageRecordingTest, SharesTheDirectoryWithOtherRecorders) {
  PacketFeed one;
  PacketFeed other;
  const RecorderOptions shared = options(2);
  auto first = Recorder::create(shared, {&one.source}).value();
  auto second = Recorder::create(shared, {&other.source}).value();
  for (int turn = 0; turn < 5; ++turn) {
    one.write(first, 0, 1);
    other.write(second, 0, 1);
  }
  ASSERT_TRUE(first.finish().has_value());
  ASSERT_TRUE(second.finish().has_value());
  EXPECT_EQ(files().size(), 6U);
  EXPECT_EQ(test::count_packets(files()), 10);
  EXPECT_EQ(shared.storage->figures().files, 6U);
}

}  // namespace
}  // namespace ringtail
