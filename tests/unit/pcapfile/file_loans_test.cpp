// The memory that a file is lent from: held, given back late, elsewhere, never.
#include <atomic>
#include <deque>
#include <mutex>
#include <random>
#include <thread>

#include "unit/pcapfile/file_source.hpp"
#include "unit/pcapfile/files.hpp"

namespace ringtail::pcapfile {
namespace {

using namespace std::chrono_literals;
using test::expect_books_balance;
using test::expect_packet;
using test::open_source;
using test::Packets;
using test::TemporaryFile;

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

}  // namespace
}  // namespace ringtail::pcapfile
