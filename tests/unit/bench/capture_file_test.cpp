#include "bench/capture_file.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <unistd.h>

#include <ringtail/interface.hpp>

#include "pcapfile/pcap.hpp"

namespace ringtail::bench {
namespace {

class CaptureFileTest : public testing::Test {
 protected:
  ~CaptureFileTest() override { std::filesystem::remove(path_); }

  /// Classic pcap with packets of 100 bytes; `cut` bytes are missing at the end.
  void write_packets(std::uint64_t count, std::size_t cut = 0) {
    std::vector<std::byte> bytes;
    pcapfile::pcap::append_file_header(bytes, pcapfile::pcap::Precision::nanoseconds, link_type::ethernet, 65535);
    for (std::uint64_t packet = 0; packet < count; ++packet) {
      const pcapfile::pcap::RecordHead head = {1, 2, 100, 100};
      const auto* const raw = reinterpret_cast<const std::byte*>(&head);
      bytes.insert(bytes.end(), raw, raw + sizeof head);
      bytes.resize(bytes.size() + 100);
    }
    bytes.resize(bytes.size() - cut);
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }

  const std::string path_ = testing::TempDir() + "/capture_" + std::to_string(::getpid());
};

// More than the reader holds at a time, so that records straddle its pieces.
TEST_F(CaptureFileTest, IsCountedToItsEnd) {
  write_packets(100'000);
  const auto contents = read_capture_file(path_);
  ASSERT_TRUE(contents) << contents.error().message();
  EXPECT_EQ(contents->packets, 100'000U);
  EXPECT_EQ(contents->captured_bytes, 10'000'000U);
}

TEST_F(CaptureFileTest, APacketThatIsCutOffDoesNotCount) {
  write_packets(10, 1);
  const auto contents = read_capture_file(path_);
  ASSERT_TRUE(contents) << contents.error().message();
  EXPECT_EQ(contents->packets, 9U);
}

TEST_F(CaptureFileTest, ThatIsNoCaptureFileIsAnError) {
  std::ofstream(path_) << "This is no capture file, whatever its name says.";
  EXPECT_FALSE(read_capture_file(path_));
  EXPECT_FALSE(read_capture_file(path_ + ".absent"));
}

TEST_F(CaptureFileTest, TellsItsLengthAndWhatIsCached) {
  write_packets(1000);
  const auto state = inspect_file(path_);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->bytes, 24 + 1000 * 116U);
  EXPECT_EQ(state->cached_bytes, state->bytes);  // it has just been written, through the page cache
  EXPECT_TRUE(sync_file(path_));
}

}  // namespace
}  // namespace ringtail::bench
