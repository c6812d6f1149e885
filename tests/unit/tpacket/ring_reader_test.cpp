#include "tpacket/ring_reader.hpp"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <thread>
#include <vector>

#include <ringtail/packet.hpp>

#include "base/sanitizer.hpp"
#include "fixture/fake_backend.hpp"
#include "fixture/numbered_frames.hpp"
#include "tpacket/block.hpp"

namespace ringtail::tpacket {
namespace {

using namespace std::chrono_literals;
using fixture::FakeBackend;
using fixture::make_numbered_frame;
using fixture::read_numbered_frame;
using fixture::small_geometry;
using BackendHandle = std::unique_ptr<FakeBackend, detail::BackendDeleter>;

BackendHandle make_backend(const Geometry& geometry, std::uint32_t batch_packets = 256) {
  return BackendHandle(new FakeBackend(geometry, batch_packets));
}

void deliver_numbered(FakeBackend& backend, std::uint64_t first, std::uint64_t count, std::size_t frame_bytes = 100) {
  for (std::uint64_t number = first; number < first + count; ++number) {
    const auto bytes = make_numbered_frame(number, frame_bytes);
    backend.kernel().deliver({.bytes = bytes, .timestamp_ns = 1'700'000'000'000'000'000 + number});
  }
}

Batch receive_one(FakeBackend& backend) {
  Batch batch;
  EXPECT_EQ(backend.receive(0ns, batch), ReceiveStatus::packets);
  return batch;
}

TEST(RingReader, DeliversWhatTheKernelWroteInOrder) {
  const auto backend = make_backend(small_geometry(4), 64);
  deliver_numbered(*backend, 0, 1000);
  backend->kernel().retire_timer();
  std::uint64_t expected = 0;
  Batch batch;
  while (backend->receive(0ns, batch) == ReceiveStatus::packets) {
    EXPECT_LE(batch.size(), 64U);
    for (const PacketView packet : batch) {
      const auto frame = read_numbered_frame(packet.bytes());
      ASSERT_TRUE(frame.intact);
      ASSERT_EQ(frame.number, expected);
      ASSERT_EQ(packet.timestamp_ns(), 1'700'000'000'000'000'000 + expected);
      ASSERT_EQ(packet.wire_length(), 100U);
      ++expected;
    }
    batch.reset();
  }
  EXPECT_EQ(expected, 1000U);
}

TEST(RingReader, PacketBytesAreFourAlignedForEthernet) {
  const auto backend = make_backend(small_geometry(2));
  for (std::size_t frame_bytes = 30; frame_bytes < 60; ++frame_bytes) deliver_numbered(*backend, 0, 1, frame_bytes);
  backend->kernel().retire_timer();
  for (const PacketView packet : receive_one(*backend)) EXPECT_EQ(packet.descriptor().offset % 4, 0U);
}

TEST(RingReader, ABatchSaysWhereItStandsInItsBlock) {
  const auto backend = make_backend(small_geometry(2), 10);
  deliver_numbered(*backend, 0, 25);
  backend->kernel().retire_timer();
  const Batch first = receive_one(*backend);
  const Batch second = receive_one(*backend);
  const Batch third = receive_one(*backend);
  EXPECT_TRUE(first.slot()->in_place.is_first());
  EXPECT_EQ(first.slot()->in_place.next_data_offset, second[0].descriptor().offset);
  EXPECT_EQ(second.slot()->in_place.next_data_offset, third[0].descriptor().offset);
  EXPECT_FALSE(second.slot()->in_place.is_first());
  EXPECT_TRUE(third.slot()->in_place.is_last());
  EXPECT_EQ(first.slot()->memory_base, first.slot()->in_place.base);
}

TEST(RingReader, WhatStandsBehindABatchMayBeWrittenOver) {
  const auto backend = make_backend(small_geometry(2), 10);
  deliver_numbered(*backend, 0, 25);
  backend->kernel().retire_timer();
  std::vector<Batch> batches;  // an encoder on another thread may be behind
  std::uint64_t expected = 0;
  for (int batch = 0; batch < 3; ++batch) {
    batches.push_back(receive_one(*backend));
    for (const PacketView packet : batches.back()) {
      const auto frame = read_numbered_frame(packet.bytes());
      ASSERT_TRUE(frame.intact);
      ASSERT_EQ(frame.number, expected);
      ASSERT_EQ(packet.timestamp_ns(), 1'700'000'000'000'000'000 + expected++);
    }
    const detail::InPlace& block = batches.back().slot()->in_place;
    const PacketDescriptor& last = batches.back().descriptors().back();
    const std::uint64_t end = last.offset + last.captured_length;
    if (!block.is_last()) std::memset(block.base + end, 0xff, 31);
    ASSERT_TRUE(block.is_last() || block.next_data_offset >= end + 64);
  }
  EXPECT_EQ(batches[0].slot()->in_place.end_offset, batches[1].slot()->in_place.begin_offset);
  EXPECT_EQ(batches[2].slot()->in_place.end_offset, 256U * 1024);
}

TEST(RingReader, ALoanAgesAsTheWalkAndTheKernelGoOn) {
  using detail::LoanAge;
  const auto backend = make_backend(small_geometry(32));
  const auto fill_block = [&] {
    deliver_numbered(*backend, 0, 10);
    backend->kernel().retire_timer();
  };
  const auto age = [&](const Batch& batch) { return backend->age_of(*batch.slot()); };
  fill_block();
  const Batch first = receive_one(*backend);
  std::vector<LoanAge> ages;
  for (int block = 1; block < 26; ++block) {
    fill_block();
    receive_one(*backend).reset();
    ages.push_back(age(first));
  }
  EXPECT_EQ(std::ranges::count(ages, LoanAge::young), 3) << "an eighth, counting the walk that ended";
  EXPECT_EQ(std::ranges::count(ages, LoanAge::overdue), 3) << "when a quarter is left";
  EXPECT_TRUE(std::ranges::is_sorted(ages));

  const Batch second = [&] {
    fill_block();
    return receive_one(*backend);
  }();
  EXPECT_EQ(age(second), LoanAge::young);
}

TEST(RingReader, ALoanIsOverdueWhenTheKernelComesNearThoughNobodyReads) {
  using detail::LoanAge;
  const auto backend = make_backend(small_geometry(32));
  deliver_numbered(*backend, 0, 10);
  backend->kernel().retire_timer();
  const Batch held = receive_one(*backend);
  for (int block = 1; block <= 24; ++block) {
    EXPECT_EQ(backend->age_of(*held.slot()), LoanAge::young);
    deliver_numbered(*backend, 0, 10);
    backend->kernel().retire_timer();
  }
  EXPECT_EQ(backend->age_of(*held.slot()), LoanAge::overdue);
}

TEST(RingReader, ALoanThatTheWalkHasComeRoundToIsOverdue) {
  const auto backend = make_backend(small_geometry(8));
  std::vector<Batch> held;
  for (int block = 0; block < 8; ++block) {
    deliver_numbered(*backend, 0, 10);
    backend->kernel().retire_timer();
    held.push_back(receive_one(*backend));
  }
  Batch none;
  EXPECT_EQ(backend->receive(0ns, none), ReceiveStatus::no_credit);
  EXPECT_EQ(backend->age_of(*held.front().slot()), detail::LoanAge::overdue);
  EXPECT_EQ(backend->age_of(*held.back().slot()), detail::LoanAge::young);
}

TEST(RingReader, FullBlocksOfALargeRingAreWorthLending) {
  const auto lends = [](std::uint32_t blocks, std::uint64_t packets, std::uint32_t batch_packets, int batches) {
    const auto backend = make_backend(small_geometry(blocks), batch_packets);
    deliver_numbered(*backend, 0, packets, 1000);
    backend->kernel().retire_timer();
    std::vector<Batch> held;
    for (int batch = 0; batch < batches; ++batch) held.push_back(receive_one(*backend));
    return backend->reader().is_worth_lending();
  };
  EXPECT_TRUE(lends(8, 100, 256, 1));
  EXPECT_FALSE(lends(4, 100, 256, 1)) << "too few blocks";
  EXPECT_FALSE(lends(8, 10, 256, 1)) << "an idle link's block";
  EXPECT_TRUE(lends(8, 100, 5, 16));
  EXPECT_FALSE(lends(8, 100, 5, 17)) << "half of the batch slots are out";
}

TEST(RingReader, TagsGoBackToWhereTheyWere) {
  const auto backend = make_backend(small_geometry(2, 256 * 1024, 96));
  const auto bytes = make_numbered_frame(7, 200);
  backend->kernel().deliver({.bytes = bytes, .has_tag = true, .vlan_tci = 0xe123, .vlan_tpid = 0x88a8});
  backend->kernel().retire_timer();
  const Batch batch = receive_one(*backend);
  const PacketView packet = batch[0];
  EXPECT_EQ(packet.wire_length(), 204U);
  ASSERT_EQ(packet.captured_length(), 96U) << "the snaplen counts the tag";
  std::vector<std::byte> on_the_wire(bytes.begin(), bytes.begin() + 12);
  for (const int byte : {0x88, 0xa8, 0xe1, 0x23}) on_the_wire.push_back(static_cast<std::byte>(byte));
  on_the_wire.insert(on_the_wire.end(), bytes.begin() + 12, bytes.begin() + 92);
  EXPECT_TRUE(std::equal(on_the_wire.begin(), on_the_wire.end(), packet.bytes().begin(), packet.bytes().end()));
  EXPECT_NE(packet.flags() & packet_flags::vlan_restored, 0U);
  EXPECT_EQ(packet.vlan_tci(), 0xe123);
  EXPECT_EQ(packet.vlan_tpid(), 0x88a8);
}

TEST(RingReader, FramesShorterThanTheAddressesKeepTheirBytes) {
  const auto backend = make_backend(small_geometry(2));
  const std::vector<std::byte> bytes(11, std::byte{0x55});
  backend->kernel().deliver({.bytes = bytes, .has_tag = true, .vlan_tci = 1});
  backend->kernel().retire_timer();
  const Batch batch = receive_one(*backend);
  EXPECT_EQ(batch[0].captured_length(), 11U);
  EXPECT_EQ(batch[0].flags() & packet_flags::vlan_restored, 0U);
}

TEST(RingReader, CutsForWantOfRoomAreMarkedAndCountedThoseOfTheSnaplenAreNot) {
  const auto roomy = make_backend(small_geometry(2, 1 << 20));
  const std::vector<std::byte> huge(300'000, std::byte{1});
  roomy->kernel().deliver({.bytes = huge});
  roomy->kernel().retire_timer();
  const Batch cut = receive_one(*roomy);
  EXPECT_EQ(cut[0].captured_length(), largest_captured_length);
  EXPECT_EQ(cut[0].wire_length(), 300'000U);
  EXPECT_NE(cut[0].flags() & packet_flags::truncated, 0U);
  EXPECT_EQ(roomy->stats().truncated, 1U);

  const auto snapped = make_backend(small_geometry(2, 1 << 20, 96));
  snapped->kernel().deliver({.bytes = huge});
  snapped->kernel().retire_timer();
  const Batch snap = receive_one(*snapped);
  EXPECT_EQ(snap[0].captured_length(), 96U);
  EXPECT_EQ(snap[0].flags() & packet_flags::truncated, 0U);
  EXPECT_EQ(snapped->stats().truncated, 0U);
}

// The kernel fills a block up to its last 8 bytes. A writer that ends the packet's pcapng block there needs 28.
TEST(RingReader, ThereIsAlwaysRoomBehindTheLastPacketOfABlock) {
  constexpr std::uint32_t block_bytes = 256 * 1024;
  constexpr std::uint32_t ethernet_data = 84;  // the kernel's header and two bytes of reserve
  constexpr std::uint32_t second_data = 8192 + ethernet_data + 100 + ethernet_data;
  for (std::uint32_t slack = 8; slack < 48; ++slack) {
    for (const bool tagged : {false, true}) {
      const auto backend = make_backend(small_geometry(2, block_bytes));
      deliver_numbered(*backend, 0, 1, 100);
      const auto bytes = make_numbered_frame(1, block_bytes - second_data - slack);
      backend->kernel().deliver({.bytes = bytes, .has_tag = tagged, .vlan_tci = 1});
      backend->kernel().retire_timer();
      const Batch batch = receive_one(*backend);
      ASSERT_EQ(batch.size(), 2U);
      const PacketDescriptor& packet = batch[1].descriptor();
      ASSERT_LE(packet.offset + packet.captured_length + 28, block_bytes);
      ASSERT_EQ(packet.offset % 4, 0U);
      const auto captured = batch[1].bytes();
      ASSERT_EQ(captured.size(), bytes.size() + (tagged ? 4 : 0));
      ASSERT_TRUE(std::equal(bytes.begin(), bytes.begin() + 12, captured.begin()));
      ASSERT_TRUE(std::equal(bytes.begin() + 12, bytes.end(), captured.begin() + (tagged ? 16 : 12), captured.end()));
    }
  }
}

TEST(RingReader, PacketTypesBecomeDirectionAndReception) {
  const auto backend = make_backend(small_geometry(2));
  const auto bytes = make_numbered_frame(0, 60);
  for (std::uint8_t type = 0; type < 5; ++type) backend->kernel().deliver({.bytes = bytes, .packet_type = type});
  backend->kernel().retire_timer();
  const Batch batch = receive_one(*backend);
  using namespace packet_flags;
  const std::uint32_t expected[] = {inbound | unicast, inbound | broadcast, inbound | multicast, inbound | promiscuous,
                                    outbound};
  for (std::uint32_t index = 0; index < 5; ++index) EXPECT_EQ(batch[index].flags() & pcapng_mask, expected[index]);
}

TEST(RingReader, ANewInterfaceBeginsABatch) {
  const auto backend = make_backend(small_geometry(2));
  const auto bytes = make_numbered_frame(0, 60);
  for (const std::uint32_t index : {5U, 5U, 9U, 5U, 9U, 69U}) {
    backend->kernel().deliver({.bytes = bytes, .interface_index = index});
  }
  backend->kernel().retire_timer();
  std::vector<std::vector<std::uint16_t>> seen;
  Batch batch;
  while (backend->receive(0ns, batch) == ReceiveStatus::packets) {
    seen.emplace_back();
    for (const PacketView packet : batch) seen.back().push_back(packet.interface_id());
    batch.reset();
  }
  EXPECT_EQ(seen, (std::vector<std::vector<std::uint16_t>>{{0, 0}, {1, 0, 1}, {2}}));
  EXPECT_EQ(backend->interfaces()[2].index, 69U);
}

TEST(RingReader, HoldingEverythingStopsTheKernelNotTheBooks) {
  const auto backend = make_backend(small_geometry(3), 512);
  std::vector<Batch> held;
  deliver_numbered(*backend, 0, 20'000);
  Batch batch;
  while (backend->receive(0ns, batch) == ReceiveStatus::packets) held.push_back(std::move(batch));
  EXPECT_EQ(backend->receive(1ms, batch), ReceiveStatus::no_credit);
  EXPECT_GT(backend->stats().dropped_ring, 0U);
  for (const Batch& kept : held) {
    for (const PacketView packet : kept) ASSERT_TRUE(read_numbered_frame(packet.bytes()).intact);
  }
  held.clear();
  deliver_numbered(*backend, 20'000, 10);
  backend->kernel().retire_timer();
  std::uint64_t after = 0;
  while (backend->receive(0ns, batch) == ReceiveStatus::packets) {
    for (const PacketView packet : batch) after += read_numbered_frame(packet.bytes()).number >= 20'000 ? 1 : 0;
    batch.reset();
  }
  EXPECT_EQ(after, 10U) << "the ring goes on once it has room";
  const Stats stats = backend->stats();
  EXPECT_EQ(stats.received, stats.delivered + stats.dropped_ring + stats.unread);
  EXPECT_EQ(stats.unread, 0U);
}

TEST(RingReader, KeepFirstBooksTheRestAsUnread) {
  const auto backend = make_backend(small_geometry(2));
  deliver_numbered(*backend, 0, 10);
  backend->kernel().retire_timer();
  Batch batch = receive_one(*backend);
  batch.keep_first(3);
  EXPECT_EQ(batch.size(), 3U);
  EXPECT_EQ(backend->stats().delivered, 3U);
  EXPECT_EQ(backend->stats().unread, 7U);
  EXPECT_EQ(backend->stats().delivered_bytes, 300U);
}

// The real situation: the kernel fills, one thread receives, others hold batches for a while and give them back out of
// order. Run under ASan and TSan this is the proof of the ledger.
TEST(RingReader, SurvivesFullPressureWithReleasesOnOtherThreads) {
  constexpr std::uint64_t frames = 20'000;
  const auto backend = make_backend(small_geometry(4), 32);
  std::atomic<bool> sent{false};
  std::thread producer([&] {
    std::mt19937 random(1);
    for (std::uint64_t number = 0; number < frames; ++number) {
      const auto bytes = make_numbered_frame(number, 30 + random() % 1400);
      while (!backend->kernel().deliver({.bytes = bytes, .has_tag = number % 3 == 0, .vlan_tci = 5})) {
        std::this_thread::yield();
      }
    }
    backend->kernel().retire_timer();
    sent.store(true);
  });

  std::mutex mutex;
  std::vector<Batch> lent;
  std::atomic<bool> done{false};
  std::vector<std::thread> holders;
  for (unsigned seed = 0; seed < 2; ++seed) {
    holders.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (;;) {
        Batch batch;
        {
          const std::scoped_lock lock(mutex);
          if (!lent.empty()) {
            std::swap(lent[random() % lent.size()], lent.back());
            batch = std::move(lent.back());
            lent.pop_back();
          } else if (done.load()) {
            return;
          }
        }
        for (const PacketView packet : batch) ASSERT_NE(packet.data()[12], std::byte{0});
      }
    });
  }

  std::uint64_t expected = 0;
  while (expected < frames) {
    Batch batch;
    const ReceiveStatus status = backend->receive(20ms, batch);
    if (status != ReceiveStatus::packets) continue;
    for (const PacketView packet : batch) {
      std::uint64_t number = 0;
      const bool tagged = (packet.flags() & packet_flags::vlan_restored) != 0;
      std::memcpy(&number, packet.data() + fixture::number_offset + (tagged ? 4 : 0), sizeof number);
      ASSERT_EQ(number, expected);
      ++expected;
    }
    const std::scoped_lock lock(mutex);
    lent.push_back(std::move(batch));
  }
  done.store(true);
  producer.join();
  for (std::thread& holder : holders) holder.join();
  EXPECT_EQ(backend->stats().delivered, frames);
}

TEST(RingReaderDeathTest, AViewUsedAfterItsBatchIsCaughtByTheSanitizer) {
#ifndef RINGTAIL_ADDRESS_SANITIZER
  GTEST_SKIP() << "needs the asan build";
#else
  const auto backend = make_backend(small_geometry(2));
  deliver_numbered(*backend, 0, 10);
  backend->kernel().retire_timer();
  Batch batch = receive_one(*backend);
  const std::byte* data = batch[0].data();
  batch.reset();
  EXPECT_DEATH((void)*static_cast<const volatile std::byte*>(data), "use-after-poison");
#endif
}

}  // namespace
}  // namespace ringtail::tpacket
