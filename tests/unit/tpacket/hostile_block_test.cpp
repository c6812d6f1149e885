// FAULTS "A hostile block": whatever stands in the ring, the walk ends within num_pkts steps and reads nothing outside.
// The sanitizer builds are the judge of "nothing outside": the ring is its own mapping.

#include <cstring>
#include <gtest/gtest.h>
#include <random>

#include "fixture/fake_backend.hpp"
#include "fixture/numbered_frames.hpp"
#include "tpacket/block.hpp"

namespace ringtail::tpacket {
namespace {

using namespace std::chrono_literals;
using fixture::FakeBackend;
using BackendHandle = std::unique_ptr<FakeBackend, detail::BackendDeleter>;

struct Ring {
  Geometry geometry = fixture::small_geometry(2);
  BackendHandle backend{new FakeBackend(geometry)};

  tpacket_hdr_v1& header() { return reinterpret_cast<tpacket_block_desc*>(backend->ring().data())->hdr.bh1; }
  tpacket3_hdr& record(std::uint32_t offset) {
    return *reinterpret_cast<tpacket3_hdr*>(backend->ring().data() + offset);
  }
  // Ten frames in block 0, handed over; nothing has been read yet.
  void fill() {
    for (std::uint64_t number = 0; number < 10; ++number) {
      const auto bytes = fixture::make_numbered_frame(number, 100);
      backend->kernel().deliver({.bytes = bytes});
    }
    backend->kernel().retire_timer();
  }
  // Reads everything, touches every byte, and returns the number of packets.
  std::uint32_t walk() {
    std::uint32_t packets = 0;
    std::uint32_t touched = 0;
    Batch batch;
    while (backend->receive(0ns, batch) == ReceiveStatus::packets) {
      for (const PacketView packet : batch) {
        for (const std::byte byte : packet.bytes()) touched += static_cast<std::uint32_t>(byte);
      }
      packets += batch.size();
      batch.reset();
    }
    return touched == UINT32_MAX ? 0 : packets;
  }
};

std::uint32_t record_bytes(Ring& ring) {
  return ring.record(ring.geometry.first_offset).tp_next_offset;
}

TEST(HostileBlock, PacketCountsBeyondTheRecordsEndTheWalk) {
  Ring ring;
  ring.fill();
  ring.header().num_pkts = 0xffffffff;
  EXPECT_LE(ring.walk(), 10U);
  EXPECT_GT(ring.backend->stats().malformed, 0U);
}

TEST(HostileBlock, AWrongFirstOffsetGivesTheBlockUp) {
  for (const std::uint32_t offset : {0U, 48U, 8191U, 256U * 1024, 0xfffffff0U}) {
    Ring ring;
    ring.fill();
    ring.header().offset_to_first_pkt = offset;
    EXPECT_EQ(ring.walk(), 0U);
    EXPECT_EQ(ring.backend->stats().malformed, 10U);
  }
}

TEST(HostileBlock, NextOffsetsThatAreZeroBackwardsOverlappingOrOutsideEndTheWalk) {
  for (const std::uint32_t next : {0U, 1U, 60U, 0xffffff00U, 256U * 1024, 3U * 1024 * 1024}) {
    Ring ring;
    ring.fill();
    const std::uint32_t third = ring.geometry.first_offset + 2 * record_bytes(ring);
    ring.record(third).tp_next_offset = next;
    EXPECT_EQ(ring.walk(), 2U) << next;
    EXPECT_EQ(ring.backend->stats().malformed, 8U) << next;
  }
}

TEST(HostileBlock, LengthsThatLeaveTheBlockEndTheWalk) {
  for (const std::uint32_t captured : {256U * 1024, 0xffffffffU}) {
    Ring ring;
    ring.fill();
    ring.record(ring.geometry.first_offset).tp_snaplen = captured;
    EXPECT_EQ(ring.walk(), 0U);
  }
  for (const std::uint16_t mac : std::initializer_list<std::uint16_t>{0, 10, 67, 65535}) {
    Ring ring;
    ring.fill();
    ring.record(ring.geometry.first_offset).tp_mac = mac;
    EXPECT_LE(ring.walk(), 10U);
  }
}

TEST(HostileBlock, ABlockWithoutPacketsGoesStraightBack) {
  Ring ring;
  ring.fill();
  ring.header().num_pkts = 0;
  EXPECT_EQ(ring.walk(), 0U);
  ring.fill();
  EXPECT_EQ(ring.walk(), 10U);
}

TEST(HostileBlock, RandomBytesInRecordHeadersAreSurvived) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    Ring ring;
    ring.fill();
    const std::uint32_t bytes = record_bytes(ring);
    for (int change = 0; change < 8; ++change) {
      const std::size_t at = ring.geometry.first_offset + random() % (10 * bytes);
      ring.backend->ring()[at] = static_cast<std::byte>(random());
    }
    EXPECT_LE(ring.walk(), 10U);
    const Stats stats = ring.backend->stats();
    EXPECT_LE(stats.delivered + stats.malformed, 10U);
  }
}

}  // namespace
}  // namespace ringtail::tpacket
