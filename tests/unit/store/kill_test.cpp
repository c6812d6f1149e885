// A process that is killed leaves a file of whole records, the last one torn at most, and not one packet that never
// was.
#include <csignal>
#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <random>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <ringtail/recorder.hpp>

#include "pcapfile/pcap.hpp"
#include "pcapfile/pcapng.hpp"
#include "store/record_scan.hpp"
#include "unit/store/recording_fixture.hpp"

namespace ringtail {
namespace {

using namespace std::chrono_literals;
using test::PacketFeed;
using test::RecorderTest;

constexpr int rounds = 10;

/// A child that records numbered packets until it is killed.
class Victim {
 public:
  explicit Victim(const RecorderOptions& options, std::mt19937::result_type seed) : process_(::fork()) {
    if (process_ != 0) return;
    PacketFeed feed;
    auto recorder = Recorder::create(options, {&feed.source});
    if (!recorder) ::_exit(1);
    std::mt19937 random(seed);
    for (;;) {
      feed.write(*recorder, 0, 1 + random() % 500, 60 + random() % 1500);
      recorder->tick();
      if (random() % 50 == 0) std::this_thread::sleep_for(1ms);
    }
  }
  ~Victim() { kill(); }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  void kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }

 private:
  pid_t process_;
};

struct Remains {
  std::uint64_t packets = 0;
  bool all_genuine = true;  ///< every packet is the next one, byte for byte
  bool ends_well = true;    ///< nothing but a torn record behind the last whole one
};

Remains examine(const std::string& path, FileFormat format) {
  std::ifstream file(path, std::ios::binary);
  const std::string content(std::istreambuf_iterator<char>(file), {});
  const auto read = [&](std::uint64_t offset, std::span<std::byte> memory) {
    if (offset + memory.size() > content.size()) return false;
    std::memcpy(memory.data(), content.data() + offset, memory.size());
    return true;
  };
  Remains remains;
  std::uint64_t offset = 0;
  while (offset < content.size()) {
    const store::RecordExtent record = store::read_record_extent(format, offset, read);
    if (record.bytes == 0 || record.bytes > content.size() - offset) {
      // Torn: what is left of the record is shorter than a record can be, not zeros that go on and on.
      remains.ends_well = content.size() - offset < 2000;
      break;
    }
    if (record.is_packet) {
      const std::size_t head = format == FileFormat::pcapng ? sizeof(pcapfile::pcapng::EnhancedPacketHead)
                                                            : sizeof(pcapfile::pcap::RecordHead);
      const auto expected =
          test::make_numbered_packet(remains.packets, std::max<std::size_t>(record.captured_length, 22));
      remains.all_genuine =
          remains.all_genuine && expected.bytes.size() == record.captured_length &&
          std::memcmp(content.data() + offset + head, expected.bytes.data(), record.captured_length) == 0;
      ++remains.packets;
    }
    offset += record.bytes;
  }
  return remains;
}

class KillTest : public RecorderTest, public testing::WithParamInterface<std::tuple<Writer, FileFormat>> {};

INSTANTIATE_TEST_SUITE_P(, KillTest,
                         testing::Combine(testing::Values(Writer::direct, Writer::write),
                                          testing::Values(FileFormat::pcapng, FileFormat::pcap)),
                         test::writer_and_format_name);

TEST_P(KillTest, LeavesWholeRecordsAtARandomMoment) {
  const auto [writer, format] = GetParam();
  std::mt19937 random(7);
  std::uint64_t packets = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::string file = path("out" + std::to_string(round));
    Victim victim({.path = file, .format = format, .writer = writer, .flush_interval = 5ms}, random());
    std::this_thread::sleep_for(std::chrono::microseconds(2'000 + random() % 30'000));
    victim.kill();
    if (!std::filesystem::exists(file)) continue;  // killed before it began
    const Remains remains = examine(file, format);
    EXPECT_TRUE(remains.all_genuine);
    EXPECT_TRUE(remains.ends_well);
    packets += remains.packets;
    std::filesystem::remove(file);
  }
  EXPECT_GT(packets, 0U);
}

}  // namespace
}  // namespace ringtail
