// Packets in memory that other processes may be shown.
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>

#include "base/sealed_memory.hpp"
#include "dpdk_fixture.hpp"
#include "ring/backend.hpp"

namespace ringtail::dpdk {
namespace {

OpenOptions lendable_options() {
  OpenOptions options = small_options();
  options.dpdk.lendable = true;
  return options;
}

std::optional<ringtail::detail::LendableMemory> memory_of(const Batch& batch) {
  return batch.slot()->owner->lendable_memory();
}

TEST(LendableMemory, ShowsEveryPacketToWhoeverMapsIt) {
  Source source = open_source("dpdk:net_null0,size=100", lendable_options());
  EXPECT_EQ(counters_of(source)["lendable"], 1U);
  for (int round = 0; round < 100; ++round) {
    const Received received = source.receive(1s);
    ASSERT_EQ(received.status, ReceiveStatus::packets);
    const auto memory = memory_of(received.batch);
    ASSERT_TRUE(memory);
    const auto shown = base::map_all_sealed(memory->descriptor);
    ASSERT_TRUE(shown) << shown.error().message();
    ASSERT_EQ(shown->size(), memory->bytes);
    for (const PacketView packet : received.batch) {
      const auto offset = static_cast<std::size_t>(packet.data() - memory->base);
      ASSERT_LE(offset + packet.captured_length(), memory->bytes);
      ASSERT_EQ(std::memcmp(packet.data(), shown->data() + offset, packet.captured_length()), 0);
    }
  }
}

TEST(LendableMemory, CannotBeWrittenByWhoeverMapsIt) {
  Source source = open_source("dpdk:net_null0", lendable_options());
  const Received received = source.receive(1s);
  const auto memory = memory_of(received.batch);
  ASSERT_TRUE(memory);
  EXPECT_FALSE(base::map_sealed(memory->descriptor, memory->bytes, true));
}

TEST(LendableMemory, IsThereOnlyWhenItIsAskedFor) {
  Source source = open_source("dpdk:net_null0");
  EXPECT_EQ(counters_of(source)["lendable"], 0U);
  const Received received = source.receive(1s);
  EXPECT_FALSE(memory_of(received.batch));
}

TEST(LendableMemory, StaysWithTheSourceWhenHalfOfItIsLent) {
  Source source = open_source("dpdk:net_null0", lendable_options());
  std::vector<Batch> held;
  std::uint64_t lendable = 0;
  std::uint64_t kept = 0;
  for (;;) {
    Received received = source.receive(0s);
    if (received.status != ReceiveStatus::packets) break;
    (memory_of(received.batch) ? lendable : kept) += received.batch.size();
    held.push_back(std::move(received.batch));
  }
  EXPECT_GT(lendable, 0U);
  EXPECT_GE(kept, lendable);
  held.clear();
  const Received received = source.receive(1s);
  EXPECT_TRUE(memory_of(received.batch));
}

TEST(LendableMemory, GoesWithTheLastBatch) {
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  for (int warm_up = 0; warm_up < 2; ++warm_up) {
    open_source("dpdk:net_ring0", lendable_options()).stop();  // the driver keeps its rings
  }
  const auto files = open_files();
  const std::size_t bytes = heap_bytes();
  for (int round = 0; round < 50; ++round) {
    Source source = open_source("dpdk:net_ring0", lendable_options());
    ASSERT_EQ(source.receive(0s).status, ReceiveStatus::timeout);
    ASSERT_EQ(counters_of(source)["mbufs_in_use"], 0U);
  }
  EXPECT_EQ(open_files(), files);
  EXPECT_EQ(heap_bytes(), bytes);
}

}  // namespace
}  // namespace ringtail::dpdk
