// A capture file played by DPDK's own driver (net_pcap): the bytes that come out are the bytes in the file.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <unistd.h>

#include "dpdk_fixture.hpp"

namespace ringtail::dpdk {
namespace {

using Frame = std::vector<std::uint8_t>;

constexpr std::uint32_t first_second = 1'700'000'000;
constexpr std::uint32_t microseconds_apart = 700;

// Classic pcap with microseconds, link type Ethernet.
void write_pcap(const std::filesystem::path& path, const std::vector<Frame>& frames,
                std::uint32_t seconds = first_second) {
  std::ofstream file(path, std::ios::binary);
  const auto put = [&file](auto... words) {
    for (const std::uint32_t word : {static_cast<std::uint32_t>(words)...}) {
      file.write(reinterpret_cast<const char*>(&word), sizeof word);
    }
  };
  put(0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1);
  std::uint32_t index = 0;
  for (const Frame& frame : frames) {
    put(seconds, microseconds_apart * index++, frame.size(), frame.size());
    file.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(frame.size()));
  }
}

std::vector<Frame> random_frames(std::size_t count, std::initializer_list<std::size_t> sizes) {
  std::mt19937 random(1);
  std::vector<Frame> frames;
  for (std::size_t index = 0; index < count; ++index) {
    Frame frame(sizes.begin()[index % sizes.size()]);
    std::generate(frame.begin(), frame.end(), [&random] { return static_cast<std::uint8_t>(random()); });
    frames.push_back(std::move(frame));
  }
  return frames;
}

class Replay : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  [[nodiscard]] std::string device() const { return "dpdk:net_pcap0,rx_pcap=" + path_.string(); }

  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("ringtail-replay-" + std::to_string(::getpid()) + ".pcap");
};

void expect_same(const std::vector<Batch>& batches, const std::vector<Frame>& frames) {
  std::size_t index = 0;
  for (const Batch& batch : batches) {
    for (const PacketView packet : batch) {
      ASSERT_LT(index, frames.size());
      const Frame& frame = frames[index];
      ASSERT_EQ(packet.captured_length(), frame.size()) << "frame " << index;
      EXPECT_EQ(packet.wire_length(), frame.size());
      EXPECT_EQ(std::memcmp(packet.data(), frame.data(), frame.size()), 0) << "frame " << index;
      ++index;
    }
  }
  EXPECT_EQ(index, frames.size());
}

TEST_F(Replay, BytesAreThoseOfTheFile) {
  const auto frames = random_frames(1000, {14, 60, 64, 1514, 1518, 1522, 333});
  write_pcap(path_, frames);
  Source source = open_source(device());
  expect_same(receive_batches(source, frames.size()), frames);
  EXPECT_EQ(counters_of(source)["copied_bytes"], 0U);
}

TEST_F(Replay, FramesThatTakeSeveralMbufsArriveInOnePieceAndTheCopyIsCounted) {
  const auto frames = random_frames(30, {100, 9000, 40000});
  write_pcap(path_, frames);
  Source source = open_source(device());
  expect_same(receive_batches(source, frames.size()), frames);
  EXPECT_EQ(counters_of(source)["copied_bytes"], 10U * (9000 + 40000));
  EXPECT_EQ(source.stats().truncated, 0U);
}

TEST_F(Replay, LongFramesThatFindNoRoomWaitUntilThereIsSome) {
  const auto frames = random_frames(500, {9000, 100, 3000});
  write_pcap(path_, frames);
  OpenOptions options = small_options();
  options.batch_packets = 100;
  Source source = open_source(device(), options);
  std::vector<Frame> seen;
  std::vector<Batch> held;
  int times_full = 0;
  while (seen.size() < frames.size()) {
    Received received = source.receive(0s);
    if (received.status == ReceiveStatus::no_credit) {
      ASSERT_FALSE(held.empty());
      ++times_full;
      held.clear();
      continue;
    }
    ASSERT_EQ(received.status, ReceiveStatus::packets);
    for (const PacketView packet : received.batch) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(packet.data());
      seen.emplace_back(bytes, bytes + packet.captured_length());
      EXPECT_EQ(packet.flags() & packet_flags::truncated, 0U);
    }
    held.push_back(std::move(received.batch));
  }
  EXPECT_GT(times_full, 1);
  EXPECT_TRUE(seen == frames);
  EXPECT_EQ(source.stats().truncated, 0U);
  EXPECT_EQ(source.stats().received, frames.size());
}

TEST_F(Replay, AnMtuMakesRoomForJumboFramesWithoutCopies) {
  const auto frames = random_frames(100, {9000, 64});
  write_pcap(path_, frames);
  OpenOptions options = small_options();
  options.dpdk.mtu = 9000;
  options.buffer_bytes = std::size_t{64} << 20;
  Source source = open_source(device(), options);
  expect_same(receive_batches(source, frames.size()), frames);
  EXPECT_EQ(counters_of(source)["copied_bytes"], 0U);
}

TEST_F(Replay, TheDevicesTimeStampsAreUsedOnRequest) {
  write_pcap(path_, random_frames(10, {64}));
  OpenOptions options = small_options();
  options.timestamp_type = TimestampType::adapter_unsynced;
  Source source = open_source(device(), options);
  std::uint64_t index = 0;
  for (const Batch& batch : receive_batches(source, 10)) {
    for (const PacketView packet : batch) {
      EXPECT_EQ(packet.timestamp_ns(), first_second * 1'000'000'000ULL + index++ * microseconds_apart * 1000);
      EXPECT_NE(packet.flags() & packet_flags::hardware_timestamp, 0U);
    }
  }
  EXPECT_EQ(index, 10U);
}

// The times of a file are those of a clock that nobody synchronised, unless it was written just now.
TEST_F(Replay, TimeStampsOfASynchronisedClockArePossibleOnes) {
  const auto now = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  OpenOptions options = small_options();
  options.timestamp_type = TimestampType::adapter;
  for (const std::uint32_t seconds : {first_second, now - 60, now + 3600}) {
    write_pcap(path_, random_frames(10, {64}), seconds);
    const bool is_possible = seconds == now - 60;
    Source source = open_source(device(), options);
    std::uint64_t packets = 0;
    for (const Batch& batch : receive_batches(source, 10)) {
      for (const PacketView packet : batch) {
        EXPECT_EQ((packet.flags() & packet_flags::hardware_timestamp) != 0, is_possible);
        EXPECT_EQ(packet.timestamp_ns() < std::uint64_t{now} * 1'000'000'000, is_possible) << "else it is the host's";
        EXPECT_LT(packet.timestamp_ns(), std::uint64_t{now + 1800} * 1'000'000'000);
        ++packets;
      }
    }
    EXPECT_EQ(packets, 10U);
    EXPECT_EQ(counters_of(source)["impossible_stamps"], is_possible ? 0U : 10U);
  }
}

TEST_F(Replay, WhoseClockItIsStandsInTheDescription) {
  using testing::EndsWith;
  write_pcap(path_, random_frames(1, {64}));
  OpenOptions options = small_options();
  const auto description = [&options](const std::string& name) {
    return open_source(name, options).interface(0).description;
  };
  EXPECT_THAT(description(device()), EndsWith("; stamped by the host's clock"));
  options.timestamp_type = TimestampType::adapter_unsynced;
  EXPECT_THAT(description(device()), EndsWith("; stamped by the device's clock"));
  options.timestamp_type = TimestampType::adapter;
  EXPECT_THAT(description(device()), testing::HasSubstr("; stamped by the device's clock, or by the host's"));
}

}  // namespace
}  // namespace ringtail::dpdk
