// A file as a source: through the public face, as programs use it.
#include "pcapfile/file_backend.hpp"

#include <atomic>
#include <deque>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "base/file_descriptor.hpp"
#include "unit/pcapfile/files.hpp"
#include "unit/pcapfile/foreign_file.hpp"
#include "unit/pcapfile/judge.hpp"

namespace ringtail::pcapfile {
namespace {

using namespace std::chrono_literals;
using test::Packets;
using test::TemporaryFile;
using testing::HasSubstr;

Source open_source(const std::string& path, const OpenOptions& options = {}) {
  auto backend = open_file(path, options);
  if (!backend) throw std::runtime_error(backend.error().message());
  return Source(std::move(*backend));
}

Source open_source(const TemporaryFile& file, const OpenOptions& options = {}) {
  return open_source(file.path(), options);
}

std::string error_of(const std::string& path, const OpenOptions& options = {}) {
  auto backend = open_file(path, options);
  return backend ? "" : backend.error().message();
}

std::size_t count_packets(Source& source) {
  std::size_t count = 0;
  for (Received received; (received = source.receive(0ns)).status == ReceiveStatus::packets;) {
    count += received.batch.size();
  }
  return count;
}

void expect_books_balance(const Source& source) {
  const Stats stats = source.stats();
  EXPECT_EQ(stats.received, stats.delivered + stats.dropped_ring + stats.unread);
}

void expect_packet(const PacketView& view, const Packets& packets, std::size_t index) {
  const auto bytes = packets.bytes(index);
  ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), view.bytes().begin(), view.bytes().end())) << index;
  ASSERT_EQ(view.timestamp_ns(), packets.descriptors[index].timestamp_ns);
  ASSERT_EQ(view.wire_length(), packets.descriptors[index].wire_length);
}

/// About 5 MB, numbered by time stamp: several buffers full.
Packets many_packets() {
  Packets packets;
  for (std::uint64_t number = 0; number < 20'000; ++number) {
    packets.add(60 + static_cast<std::uint32_t>(number * 7919 % 400), number);
  }
  return packets;
}

// Two buffers of 1 MiB: as little credit as there can be.
const OpenOptions little_memory = {.buffer_bytes = 1, .block_bytes = 1};

TEST(FileSource, DeliversWhatTheFileHolds) {
  const Packets packets = test::assorted_packets();
  const TemporaryFile file(test::make_file(FileFormat::pcapng, packets));
  Source source = open_source(file);
  EXPECT_EQ(source.name(), "file:" + file.path());
  EXPECT_EQ(source.backend(), "file");
  EXPECT_EQ(source.pollable_descriptor(), -1);
  EXPECT_EQ(source.interface_count(), 2U) << "known before the first packet is asked for";
  EXPECT_EQ(source.interface(1).name, "right");

  std::size_t index = 0;
  for (;;) {
    auto [status, batch] = source.receive(0ns);
    if (status == ReceiveStatus::end_of_stream) break;
    ASSERT_EQ(status, ReceiveStatus::packets);
    for (const PacketView packet : batch) expect_packet(packet, packets, index++);
  }
  EXPECT_EQ(index, packets.descriptors.size());
  EXPECT_EQ(source.failure(), nullptr);
  EXPECT_EQ(source.stats().delivered, index);
  EXPECT_EQ(source.stats().delivered_bytes, packets.memory.size());
  expect_books_balance(source);
  EXPECT_EQ(source.receive(0ns).status, ReceiveStatus::end_of_stream);
}

TEST(FileSource, HoldsBackWhenEverythingIsLentAndLosesNothing) {
  const Packets packets = many_packets();
  const TemporaryFile file(test::make_file(FileFormat::nsecpcap, packets));
  Source source = open_source(file, little_memory);
  std::deque<Batch> held;
  std::size_t first_held = 0;  // the number of held.front()'s first packet
  int times_out_of_credit = 0;
  for (;;) {
    Received received = source.receive(0ns);
    if (received.status == ReceiveStatus::end_of_stream) break;
    if (received.status == ReceiveStatus::packets) {
      held.push_back(std::move(received.batch));
      continue;
    }
    ASSERT_EQ(received.status, ReceiveStatus::no_credit);
    ++times_out_of_credit;
    for (std::size_t given_back = (held.size() + 1) / 2; given_back > 0; --given_back) {
      for (const PacketView packet : held.front()) expect_packet(packet, packets, first_held++);
      held.pop_front();
    }
  }
  for (Batch& batch : held) {
    for (const PacketView packet : batch) expect_packet(packet, packets, first_held++);
  }
  EXPECT_EQ(first_held, packets.descriptors.size());
  EXPECT_GT(times_out_of_credit, 0);
  expect_books_balance(source);
}

TEST(FileSource, WaitsForCreditThatAnotherThreadGivesBack) {
  const Packets packets = many_packets();
  const TemporaryFile file(test::make_file(FileFormat::nsecpcap, packets));
  Source source = open_source(file, little_memory);
  std::vector<Batch> held;
  Received received;
  while ((received = source.receive(0ns)).status == ReceiveStatus::packets) held.push_back(std::move(received.batch));
  ASSERT_EQ(received.status, ReceiveStatus::no_credit);
  std::thread releaser([&] {
    std::this_thread::sleep_for(20ms);
    held.clear();
  });
  EXPECT_EQ(source.receive(60s).status, ReceiveStatus::packets);
  releaser.join();
}

TEST(FileSource, BatchesComeBackOnOtherThreadsInAnyOrder) {
  const Packets packets = many_packets();
  const TemporaryFile file(test::make_file(FileFormat::nsecpcap, packets));
  Source source = open_source(file, little_memory);
  std::mutex mutex;
  std::vector<Batch> waiting;
  bool finished = false;
  std::atomic<std::uint64_t> sum{0};
  std::vector<std::thread> releasers;
  for (unsigned seed = 0; seed < 2; ++seed) {
    releasers.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (;;) {
        Batch batch;
        {
          const std::lock_guard lock(mutex);
          if (waiting.empty() && finished) return;
          if (!waiting.empty()) {
            std::swap(waiting[random() % waiting.size()], waiting.back());
            batch = std::move(waiting.back());
            waiting.pop_back();
          }
        }
        for (const PacketView packet : batch)
          sum += packet.timestamp_ns() + std::to_integer<unsigned>(packet.bytes()[0]);
        if (batch.empty()) std::this_thread::yield();
      }
    });
  }
  for (;;) {
    Received received = source.receive(60s);
    if (received.status != ReceiveStatus::packets) {
      EXPECT_EQ(received.status, ReceiveStatus::end_of_stream);
      break;
    }
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(received.batch));
  }
  {
    const std::lock_guard lock(mutex);
    finished = true;
  }
  for (std::thread& releaser : releasers) releaser.join();
  std::uint64_t expected = 0;
  for (std::size_t index = 0; index < packets.descriptors.size(); ++index) {
    expected += packets.descriptors[index].timestamp_ns + std::to_integer<unsigned>(packets.bytes(index)[0]);
  }
  EXPECT_EQ(sum, expected);
  expect_books_balance(source);
}

TEST(FileSource, ABatchOutlivesItsSource) {
  const Packets packets = test::assorted_packets();
  const TemporaryFile file(test::make_file(FileFormat::pcapng, packets));
  Batch batch;
  {
    Source source = open_source(file);
    batch = source.receive(0ns).batch;
  }
  ASSERT_FALSE(batch.empty());
  for (std::uint32_t index = 0; index < batch.size(); ++index) expect_packet(batch[index], packets, index);
}

TEST(FileSource, WhatABatchLimitCutsOffIsUnread) {
  const TemporaryFile file(test::make_file(FileFormat::pcapng, test::assorted_packets()));
  Source source = open_source(file, {.batch_packets = 20});
  Received received = source.receive(0ns);
  ASSERT_EQ(received.batch.size(), 20U);
  received.batch.keep_first(7);
  source.stop();
  EXPECT_EQ(source.receive(0ns).status, ReceiveStatus::end_of_stream);
  EXPECT_EQ(source.stats().received, 20U);
  EXPECT_EQ(source.stats().delivered, 7U);
  EXPECT_EQ(source.stats().unread, 13U);
}

TEST(FileSource, CutsToTheSnaplen) {
  const TemporaryFile file(test::make_file(FileFormat::pcapng, test::assorted_packets()));
  Source source = open_source(file, {.snaplen = 50});
  EXPECT_EQ(source.interface(0).snaplen, 50U);
  const Received received = source.receive(0ns);
  for (const PacketView packet : received.batch) {
    EXPECT_LE(packet.captured_length(), 50U);
    EXPECT_GE(packet.wire_length(), packet.captured_length());
  }
  EXPECT_EQ(source.stats().truncated, 0U);
}

TEST(FileSource, KeepsOneDirectionWhenAsked) {
  const TemporaryFile file(test::make_file(FileFormat::pcapng, test::assorted_packets()));
  for (const auto& [direction, flag] :
       {std::pair{Direction::in, packet_flags::inbound}, {Direction::out, packet_flags::outbound}}) {
    Source source = open_source(file, {.direction = direction});
    const Received received = source.receive(0ns);
    ASSERT_EQ(received.status, ReceiveStatus::packets);
    for (const PacketView packet : received.batch) EXPECT_EQ(packet.flags() & packet_flags::direction_mask, flag);
  }
}

// An Ethernet frame with an IPv4 header of the given protocol behind `link_header` bytes, as tcpdump filters see it.
void add_ip(Packets& packets, std::size_t link_header_bytes, unsigned protocol) {
  const PacketDescriptor packet = packets.add(80, 0);
  const auto bytes = std::span(packets.memory).subspan(packet.offset, packet.captured_length);
  std::fill(bytes.begin(), bytes.end(), std::byte{0});
  if (link_header_bytes != 0) bytes[12] = std::byte{0x08};
  bytes[link_header_bytes] = std::byte{0x45};
  bytes[link_header_bytes + 9] = static_cast<std::byte>(protocol);
}

TEST(FileSource, FiltersByLinkType) {
  Packets packets;
  for (const unsigned protocol : {6U, 17U, 6U}) {
    add_ip(packets, 14, protocol);
    packets.descriptors.back().interface_id = 0;
    add_ip(packets, 0, protocol);
    packets.descriptors.back().interface_id = 1;
  }
  Interface interface;
  std::vector<std::byte> bytes;
  pcapng::append_section_header(bytes, {});
  for (const std::uint16_t type : {link_type::ethernet, link_type::raw_ip}) {
    interface.link_type = type;
    pcapng::append_interface_description(bytes, interface, 0, {});
  }
  const auto records = test::encode(FileFormat::pcapng, packets, 4096);
  bytes.insert(bytes.end(), records.begin(), records.end());
  const TemporaryFile file(bytes);

  Source source = open_source(file, {.filter = "udp"});
  EXPECT_EQ(source.interface(0).filter, "udp");
  const Received received = source.receive(0ns);
  ASSERT_EQ(received.batch.size(), 2U);
  EXPECT_EQ(received.batch[0].interface_id(), 0U);
  EXPECT_EQ(received.batch[1].interface_id(), 1U);
  EXPECT_EQ(source.receive(0ns).status, ReceiveStatus::end_of_stream);
  EXPECT_EQ(source.stats().received, 2U) << "as with the kernel, what the filter refuses was never received";

  EXPECT_THAT(error_of(file.path(), {.filter = "udp prot 5"}), HasSubstr("udp prot 5"));
  Source none = open_source(file, {.filter = "icmp"});
  EXPECT_EQ(none.receive(0ns).status, ReceiveStatus::end_of_stream);
}

TEST(FileSource, FramesOfAnySizeUpToABufferFit) {
  Packets packets;
  for (const std::uint32_t length : {60U, 262'144U, 499'894U, 1'000'000U, 60U}) packets.add(length, length);
  const TemporaryFile file(test::make_file(FileFormat::pcapng, packets));
  Source source = open_source(file, {.snaplen = 1'000'000, .buffer_bytes = 1});
  std::size_t index = 0;
  for (Received received; (received = source.receive(0ns)).status == ReceiveStatus::packets;) {
    for (const PacketView packet : received.batch) expect_packet(packet, packets, index++);
  }
  EXPECT_EQ(index, packets.descriptors.size());
  EXPECT_EQ(source.failure(), nullptr);
}

TEST(FileSource, ATornFileGivesItsWholeRecordsThenSaysWhereItEnds) {
  const Packets packets = test::assorted_packets();
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::nsecpcap}) {
    auto bytes = test::make_file(format, packets);
    bytes.resize(bytes.size() - 5);
    const TemporaryFile file(bytes);
    Source source = open_source(file);
    EXPECT_EQ(count_packets(source), packets.descriptors.size() - 1);
    ASSERT_NE(source.failure(), nullptr);
    EXPECT_THAT(source.failure()->message(), HasSubstr(file.path()));
    EXPECT_THAT(source.failure()->message(), HasSubstr("in the middle of a record"));
    expect_books_balance(source);
  }
}

TEST(FileSource, DamageIsReportedBehindTheLastGoodPacket) {
  auto bytes = test::make_file(FileFormat::pcapng, test::assorted_packets());
  const std::size_t good = bytes.size();
  bytes.resize(good + 1000, std::byte{0xee});
  const TemporaryFile file(bytes);
  Source source = open_source(file);
  EXPECT_EQ(count_packets(source), test::assorted_packets().descriptors.size());
  ASSERT_NE(source.failure(), nullptr);
  EXPECT_THAT(source.failure()->message(), HasSubstr("at byte " + std::to_string(good)));
}

TEST(FileSource, SectionsShareTheInterfacesThatTheyDescribeAlike) {
  test::ForeignFile bytes(false);
  bytes.section_header().interface_description(link_type::ethernet, 0).interface_description(link_type::ethernet, 0);
  bytes.enhanced_packet(0, "a").enhanced_packet(1, "b");
  bytes.section_header().interface_description(link_type::ethernet, 0).interface_description(link_type::raw_ip, 0);
  bytes.enhanced_packet(0, "c").enhanced_packet(1, "d");
  const TemporaryFile file(bytes.bytes());
  Source source = open_source(file);
  EXPECT_EQ(source.interface_count(), 2U);
  std::vector<std::uint16_t> ids;
  for (Received received; (received = source.receive(0ns)).status == ReceiveStatus::packets;) {
    for (const PacketView packet : received.batch) ids.push_back(packet.interface_id());
  }
  EXPECT_THAT(ids, testing::ElementsAre(0, 1, 0, 2));
  EXPECT_EQ(source.interface(2).link_type, link_type::raw_ip);
}

TEST(FileSource, AnInterfaceWithAnotherLinkTypeThanAskedForEndsTheStream) {
  const TemporaryFile file(test::file_header(FileFormat::pcapng));
  EXPECT_EQ(error_of(file.path(), {.link_type = link_type::ethernet}), "");
  EXPECT_THAT(error_of(file.path(), {.link_type = link_type::raw_ip}), HasSubstr("link type"));
}

TEST(FileSource, SaysWhatItCannotOpen) {
  EXPECT_THAT(error_of("/nonexistent/file"), HasSubstr("No such file"));
  EXPECT_THAT(error_of("/"), HasSubstr("directory"));
  EXPECT_THAT(error_of(TemporaryFile().path()), HasSubstr("empty"));
  const TemporaryFile picture(test::to_bytes("GIF89a and more"));
  EXPECT_THAT(error_of(picture.path()), HasSubstr("neither pcapng nor classic pcap"));
  auto header = test::file_header(FileFormat::pcap);
  header.resize(20);
  const TemporaryFile torn(header);
  EXPECT_THAT(error_of(torn.path()), HasSubstr("in the middle"));
  auto fanout = open_file(picture.path(), {.fanout = Fanout{}});
  ASSERT_FALSE(fanout.has_value());
  EXPECT_TRUE(fanout.error().bad_usage);
  EXPECT_NE(error_of(picture.path(), {.batch_packets = 0}), "");
}

TEST(FileSource, AFileWithoutPacketsSimplyEnds) {
  for (const FileFormat format : {FileFormat::pcapng, FileFormat::pcap}) {
    const TemporaryFile file(test::file_header(format));
    Source source = open_source(file);
    EXPECT_EQ(source.receive(1s).status, ReceiveStatus::end_of_stream);
    EXPECT_EQ(source.failure(), nullptr);
  }
}

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
