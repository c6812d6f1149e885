// Pipes and standard input, which have to be waited for.
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include "base/file_descriptor.hpp"
#include "unit/pcapfile/file_source.hpp"
#include "unit/pcapfile/files.hpp"

namespace ringtail::pcapfile {
namespace {

using namespace std::chrono_literals;
using test::count_packets;
using test::expect_packet;
using test::open_source;
using test::Packets;
using test::TemporaryFile;

// Both ends of a pipe; the reading end is what FileSource opens, by its name below /dev/fd.
class Pipe {
 public:
  Pipe() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    reader = base::FileDescriptor(ends[0]);
    writer = base::FileDescriptor(ends[1]);
  }
  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(writer.get(), bytes.data(), bytes.size());
      ASSERT_GT(written, 0);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }
  [[nodiscard]] std::string path() const { return "/dev/fd/" + std::to_string(reader.get()); }

  base::FileDescriptor reader;
  base::FileDescriptor writer;
};

TEST(FileSource, APipeGivesEachPacketAsSoonAsItIsWritten) {
  const Packets packets = test::assorted_packets();
  Pipe pipe;
  pipe.write(test::file_header(FileFormat::pcapng));
  Source source = open_source(pipe.path());
  EXPECT_EQ(source.interface_count(), 2U);
  EXPECT_EQ(source.receive(0ns).status, ReceiveStatus::timeout);
  EXPECT_EQ(source.receive(5ms).status, ReceiveStatus::timeout);
  for (std::size_t index = 0; index < 70; ++index) {
    Packets one = packets;
    one.descriptors = {packets.descriptors[index]};
    const auto record = test::encode(FileFormat::pcapng, one, 4096);
    pipe.write(std::span(record).first(record.size() - 1));
    EXPECT_EQ(source.receive(0ns).status, ReceiveStatus::timeout) << "not whole yet";
    pipe.write(std::span(record).last(1));
    const Received received = source.receive(0ns);
    ASSERT_EQ(received.batch.size(), 1U);
    expect_packet(received.batch[0], packets, index);
  }
  pipe.writer.close();
  EXPECT_EQ(source.receive(60s).status, ReceiveStatus::end_of_stream);
  EXPECT_EQ(source.failure(), nullptr);
}

TEST(FileSource, APacketIsNotKeptWaitingForWhatFollowsAnInterface) {
  Pipe pipe;
  auto bytes = test::file_header(FileFormat::pcapng);
  Packets one;
  one.add(60, 1);
  const auto record = test::encode(FileFormat::pcapng, one, 4096);
  bytes.insert(bytes.end(), record.begin(), record.end());
  pcapng::append_interface_description(bytes, {.name = "third"}, 0, {});
  pipe.write(bytes);
  Source source = open_source(pipe.path());
  const Received received = source.receive(0ns);
  ASSERT_EQ(received.batch.size(), 1U);
  expect_packet(received.batch[0], one, 0);
  EXPECT_EQ(source.interface_count(), 3U);
}

TEST(FileSource, StandardInputIsAFileToo) {
  const Packets packets = test::assorted_packets();
  const TemporaryFile file(test::make_file(FileFormat::pcap, packets));
  const base::FileDescriptor saved(::dup(STDIN_FILENO));
  const base::FileDescriptor input(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::dup2(input.get(), STDIN_FILENO), STDIN_FILENO);
  {
    Source source = open_source("-");
    EXPECT_EQ(source.name(), "file:-");
    EXPECT_EQ(count_packets(source), packets.descriptors.size());
  }
  ASSERT_EQ(::dup2(saved.get(), STDIN_FILENO), STDIN_FILENO);
}

TEST(FileSource, InterruptAndStopReachAWaitingReceiver) {
  Pipe pipe;
  pipe.write(test::file_header(FileFormat::pcapng));
  Source source = open_source(pipe.path());
  for (const auto& [act, expected] :
       {std::pair{&Source::interrupt, ReceiveStatus::interrupted}, {&Source::stop, ReceiveStatus::end_of_stream}}) {
    std::thread other([&source, act = act] {
      std::this_thread::sleep_for(20ms);
      (source.*act)();
    });
    EXPECT_EQ(source.receive(-1ns).status, expected);
    other.join();
  }
  source.interrupt();
  EXPECT_EQ(source.receive(0ns).status, ReceiveStatus::interrupted) << "also when it comes before the call";
}

}  // namespace
}  // namespace ringtail::pcapfile
