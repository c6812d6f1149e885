// A publisher that announces and describes anything at all: its client reads nothing outside of what is shared, and
// ends with a reason at the latest when a slot cannot be.
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <sys/mman.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "base/descriptor_message.hpp"
#include "base/sealed_memory.hpp"
#include "fixture/test_publisher.hpp"
#include "share/address.hpp"
#include "share/interface_record.hpp"
#include "share/message.hpp"
#include "share/share_backend.hpp"

namespace ringtail::share {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr Geometry geometry = test::small_geometry;

PacketDescriptor described(std::uint64_t offset, std::uint32_t captured_length, std::uint32_t wire_length,
                           std::uint16_t interface_id = 0) {
  PacketDescriptor packet = {};
  packet.offset = offset;
  packet.captured_length = captured_length;
  packet.wire_length = wire_length;
  packet.interface_id = interface_id;
  return packet;
}

class HostilePublisher : public testing::Test {
 protected:
  void SetUp() override {
    // Something to read where packets may lie.
    std::memset(packets_.data() + Geometry::slots_offset, 0, geometry.packets_bytes() - Geometry::slots_offset);
    const InterfaceRecord record = to_record({.name = "bad0", .link_type = link_type::ethernet});
    std::memcpy(packets_.data() + Geometry::records_offset, &record, sizeof record);
    reinterpret_cast<PacketsHeader*>(packets_.data())->interface_count.store(1);
    lent_header().credit.store(63);
  }

  /// Opens it as a client does. `welcome` answers the greeting.
  template <typename Welcoming>
  Result<Source> open(Welcoming welcome) {
    auto listener = listen_at(directory_.path() + "/bad.sock");
    EXPECT_TRUE(listener) << listener.error().message();
    std::thread greeter([&] {
      while (!socket_.is_open()) socket_ = base::FileDescriptor(::accept(listener->get(), nullptr, nullptr));
      Hello hello;
      while (read_hello(socket_.get(), hello) == HelloStatus::nothing_yet) std::this_thread::yield();
      welcome(socket_.get());
    });
    auto backend = ShareBackend::open("ringtail:bad", "bad", {.batch_packets = 8});
    greeter.join();
    return std::move(backend).map([](auto&& opened) { return Source(std::move(opened)); });
  }
  Result<Source> open() {
    return open([this](int socket) {
      send_welcome(socket, geometry, {packets_.descriptor(), lent_.descriptor(), returned_.descriptor()});
    });
  }

  [[nodiscard]] LentHeader& lent_header() { return *reinterpret_cast<LentHeader*>(lent_.data()); }
  [[nodiscard]] PacketDescriptor& packet(std::uint32_t slot, std::uint32_t index) {
    return reinterpret_cast<PacketDescriptor*>(packets_.data() + geometry.slot_offset(slot))[index];
  }
  [[nodiscard]] Announcement& announcement(std::uint64_t position) {
    return reinterpret_cast<Announcement*>(lent_.data() + sizeof(LentHeader))[position % geometry.slot_count];
  }
  void announce(std::uint64_t position, std::uint32_t slot, std::uint32_t packets, std::uint32_t memory = 0) {
    announce(position, slot, packets, memory, packets);
  }
  void announce(std::uint64_t position, std::uint32_t slot, std::uint32_t packets, std::uint32_t memory,
                std::uint32_t selected) {
    announcement(position).slot = slot;
    announcement(position).packets = packets;
    announcement(position).selected = selected;
    announcement(position).memory = memory;
    announcement(position).position.store(position + 1);
  }

  /// After its timeout, when it is interrupted, and when it was stopped. The bounds are for machines that are busy.
  static void expect_receive_returns(Source& source) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(source.receive(1ms).status, ReceiveStatus::timeout);
    source.interrupt();
    EXPECT_EQ(source.receive(-1ns).status, ReceiveStatus::interrupted);
    source.stop();
    EXPECT_EQ(source.receive(-1ns).status, ReceiveStatus::end_of_stream);
    EXPECT_LT(std::chrono::steady_clock::now() - start, test::patience);
  }

  static base::SealedMemory make(std::size_t bytes, base::Writers writers) {
    return std::move(*base::SealedMemory::create("ringtail-hostile", bytes, writers));
  }

  test::RunDirectory directory_;
  base::FileDescriptor socket_;
  base::SealedMemory packets_ = make(geometry.packets_bytes(), base::Writers::owner_alone);
  base::SealedMemory lent_ = make(geometry.lent_bytes(), base::Writers::owner_alone);
  base::SealedMemory returned_ = make(geometry.returned_bytes(), base::Writers::owner_and_holder);
};

TEST_F(HostilePublisher, PacketsThatCannotBeAreLeftOutAndCounted) {
  auto source = open();
  ASSERT_TRUE(source) << source.error().message();
  const std::uint64_t end = geometry.packets_bytes();
  packet(5, 0) = described(end - 60, 60, 60);  // the very last bytes
  packet(5, 1) = described(end - 60, 61, 61);
  packet(5, 2) = described(end + 1, 0, 0);
  packet(5, 3) = described(UINT64_MAX - 10, 60, 60);
  packet(5, 4) = described(0, UINT32_MAX, UINT32_MAX);
  packet(5, 5) = described(end - 60, 60, 59);
  packet(5, 6) = described(end - 60, 60, 60, 1);
  packet(5, 7) = described(end - 60, 60, 60);
  announce(0, 5, 8);
  lent_header().announced_packets.store(8);
  const Received got = source->receive(10s);
  ASSERT_EQ(got.status, ReceiveStatus::packets);
  EXPECT_EQ(got.batch.size(), 2U);
  EXPECT_EQ(source->stats().malformed, 6U);
  EXPECT_EQ(source->stats().delivered, 2U);
  EXPECT_EQ(source->stats().unread, 0U);
}

TEST_F(HostilePublisher, SlotsThatCannotBeEndTheStream) {
  const std::pair<std::uint32_t, std::uint32_t> impossible[] = {
      {geometry.slot_count, 1}, {UINT32_MAX, 1}, {0, 0}, {0, geometry.slot_packets + 1}, {0, UINT32_MAX}};
  for (const auto& [slot, packets] : impossible) {
    SetUp();
    auto source = open();
    ASSERT_TRUE(source) << source.error().message();
    announce(0, slot, packets);
    EXPECT_EQ(source->receive(10s).status, ReceiveStatus::end_of_stream);
    ASSERT_NE(source->failure(), nullptr);
    EXPECT_THAT(source->failure()->message(), HasSubstr("broke the rules"));
    announce(0, 0, 0);
    socket_.close();
  }
}

TEST_F(HostilePublisher, ASlotThatWeStillHoldCannotBeLentAgain) {
  auto source = open();
  ASSERT_TRUE(source) << source.error().message();
  packet(3, 0) = described(geometry.slot_offset(3), 60, 60);
  announce(0, 3, 1);
  const Received held = source->receive(10s);
  ASSERT_EQ(held.status, ReceiveStatus::packets);
  announce(1, 3, 1);
  EXPECT_EQ(source->receive(10s).status, ReceiveStatus::end_of_stream);
}

TEST_F(HostilePublisher, MemoryThatWasNotHandedOverEndsTheStream) {
  for (const std::uint32_t name : {name_memory(1, 0), name_memory(0, 3), UINT32_MAX}) {
    SetUp();
    auto source = open();
    ASSERT_TRUE(source) << source.error().message();
    announce(0, 1, 1, name);
    EXPECT_EQ(source->receive(10s).status, ReceiveStatus::end_of_stream);
    EXPECT_THAT(source->failure()->message(), HasSubstr("broke the rules"));
    announce(0, 0, 0);
    socket_.close();
  }
}

TEST_F(HostilePublisher, MemoryThatCouldBeCutUnderUsIsRefused) {
  auto source = open();
  ASSERT_TRUE(source) << source.error().message();
  const base::FileDescriptor unsealed(::memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(unsealed.get(), 4096), 0);
  ASSERT_TRUE(send_memory(socket_.get(), 0, unsealed.get()));
  EXPECT_EQ(source->receive(10s).status, ReceiveStatus::end_of_stream);
  EXPECT_THAT(source->failure()->message(), HasSubstr("cut short"));
}

TEST_F(HostilePublisher, WordsThatMeanNothingEndTheStream) {
  for (const char word : {char{1}, char{100}}) {  // memory without a descriptor, and none at all
    auto source = open();
    ASSERT_TRUE(source) << source.error().message();
    ASSERT_EQ(::send(socket_.get(), &word, 1, 0), 1);
    EXPECT_EQ(source->receive(10s).status, ReceiveStatus::end_of_stream);
    EXPECT_THAT(source->failure()->message(), HasSubstr("broke the rules"));
    socket_.close();
  }
}

// Bells without end, written faster than they can be heard one by one.
TEST_F(HostilePublisher, BellsWithoutEndDoNotKeepUsFromReturning) {
  auto source = open();
  ASSERT_TRUE(source) << source.error().message();
  std::atomic<bool> done = false;
  std::thread ringer([&] {
    const std::vector<char> bells(4096);
    while (!done.load()) (void)!::send(socket_.get(), bells.data(), bells.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  expect_receive_returns(*source);
  done.store(true);
  ringer.join();
}

// Slots in which there is nothing for us, announced again as soon as they are back.
TEST_F(HostilePublisher, SlotsWithNothingInThemDoNotKeepUsFromReturning) {
  auto source = open();
  ASSERT_TRUE(source) << source.error().message();
  for (std::uint32_t slot = 0; slot < geometry.slot_count; ++slot) packet(slot, 0) = described(0, 60, 60, 7);
  std::atomic<bool> done = false;
  std::thread publisher([&] {
    auto* const returns = reinterpret_cast<Return*>(returned_.data() + sizeof(ReturnedHeader));
    for (std::uint64_t position = 0; !done.load();) {
      const auto slot = static_cast<std::uint32_t>(position % geometry.slot_count);
      const std::uint64_t lap_before = position - geometry.slot_count;
      const bool is_back = position < geometry.slot_count || returns[slot].load() == encode_return(lap_before, slot);
      if (is_back) announce(position++, slot, 1);  // its one packet is on no interface
    }
  });
  expect_receive_returns(*source);
  { const Source closing = std::move(*source); }
  done.store(true);
  publisher.join();
}

TEST_F(HostilePublisher, PacketsOutsideOfTheirMemoryAreLeftOut) {
  auto source = open();
  ASSERT_TRUE(source) << source.error().message();
  const auto memory = make(4096, base::Writers::owner_alone);
  ASSERT_TRUE(send_memory(socket_.get(), 2, memory.descriptor()));
  packet(1, 0) = described(4096 - 60, 60, 60);
  packet(1, 1) = described(4096 - 60, 61, 61);
  packet(1, 2) = described(geometry.slot_offset(1), 60, 60);
  announce(0, 1, 3, name_memory(1, 2));
  const Received got = source->receive(10s);
  ASSERT_EQ(got.status, ReceiveStatus::packets);
  EXPECT_EQ(got.batch.size(), 1U);
  EXPECT_EQ(source->stats().malformed, 2U);
}

TEST_F(HostilePublisher, MemoryTakenBackWhileItIsReadStaysThere) {
  auto source = open();
  ASSERT_TRUE(source) << source.error().message();
  Received held;
  {
    const auto memory = make(4096, base::Writers::owner_alone);
    memory.data()[0] = std::byte{7};
    ASSERT_TRUE(send_memory(socket_.get(), 2, memory.descriptor()));
    packet(1, 0) = described(0, 60, 60);
    announce(0, 1, 1, name_memory(1, 2));
    held = source->receive(10s);
    ASSERT_EQ(held.status, ReceiveStatus::packets);
    send_memory_gone(socket_.get(), 2);
  }
  const auto other = make(4096, base::Writers::owner_alone);
  ASSERT_TRUE(send_memory(socket_.get(), 2, other.descriptor()));
  EXPECT_EQ(source->receive(1ms).status, ReceiveStatus::timeout);
  EXPECT_EQ(held.batch[0].bytes().front(), std::byte{7});
}

TEST_F(HostilePublisher, AnswersThatAreNoneAreErrors) {
  const auto with_geometry = [this](const Geometry& bad) {
    auto source = open([&](int socket) {
      send_welcome(socket, bad, {packets_.descriptor(), lent_.descriptor(), returned_.descriptor()});
    });
    socket_.close();
    return source ? std::string("it opened") : source.error().message();
  };
  EXPECT_THAT(with_geometry({.slot_count = 0}), HasSubstr("broken"));
  EXPECT_THAT(with_geometry({.slot_count = 3}), HasSubstr("broken"));
  EXPECT_THAT(with_geometry({.slot_packets = UINT32_MAX}), HasSubstr("broken"));
  EXPECT_THAT(with_geometry({.slot_bytes = 4096}), HasSubstr("broken"));
  EXPECT_THAT(with_geometry({.slot_count = 1U << 16}), HasSubstr("bytes, not"));

  const auto answer = [](int socket) { (void)!::send(socket, "hello yourself", 14, 0); };
  EXPECT_THAT(open(answer).error().message(), HasSubstr("no publisher"));
  socket_.close();
  const auto refuse = [](int socket) { send_refusal(socket, "\033]0;mine\a\u009bgo"); };  // what terminals obey
  EXPECT_THAT(open(refuse).error().message(), HasSubstr("?]0;mine???go"));
  socket_.close();
  EXPECT_THAT(open([](int socket) { ::shutdown(socket, SHUT_RDWR); }).error().message(), HasSubstr("hung up"));
}

/// Reads all of it, so that what lies outside is SIGSEGV.
std::uint64_t sum_of(std::span<const std::byte> bytes) {
  std::uint64_t sum = 0;
  for (const std::byte byte : bytes) sum += std::to_integer<std::uint64_t>(byte);
  return sum;
}

// Random descriptors, selections and announcements, changing while they are read: through a mapping of its own, as
// another process would. All that is delivered can be read.
TEST_F(HostilePublisher, RandomMemoryNeverLeadsOutside) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  const auto small = make(4096, base::Writers::owner_alone);
  const std::uint32_t memories[] = {0, 0, 0, name_memory(1, 2), name_memory(1, 2), name_memory(2, 2)};
  const auto random_packet = [](std::mt19937_64& random) {
    return described(random() % (random() % 2 == 0 ? 4200 : 2 * geometry.packets_bytes()),
                     static_cast<std::uint32_t>(random() % (random() % 2 == 0 ? 200 : 100'000)),
                     static_cast<std::uint32_t>(random() % 200'000), static_cast<std::uint16_t>(random() % 8 == 0));
  };
  const std::jthread vandal([&, random = std::mt19937_64(seed)](const std::stop_token& done) mutable {
    while (!done.stop_requested()) {
      packet(static_cast<std::uint32_t>(random() % geometry.slot_count),
             static_cast<std::uint32_t>(random() % geometry.slot_packets)) = random_packet(random);
      if (random() % 256 == 0) announcement(random()).packets = static_cast<std::uint32_t>(random() % 40);
      if (random() % 256 == 0) announcement(random()).slot = static_cast<std::uint32_t>(random() % 66);
      if (random() % 256 == 0) announcement(random()).memory = memories[random() % std::size(memories)];
    }
  });
  std::mt19937_64 random(seed + 1);
  std::uint64_t delivered = 0;
  std::uint64_t sum = 0;
  for (int round = 0; round < 100; ++round) {
    auto source = open();
    ASSERT_TRUE(source) << source.error().message();
    ASSERT_TRUE(send_memory(socket_.get(), 2, small.descriptor()));
    for (std::uint64_t position = 0; position < 40; ++position) {
      auto* const selection = reinterpret_cast<std::uint64_t*>(lent_.data() + geometry.selections_offset());
      selection[position] = random();
      const auto packets = static_cast<std::uint32_t>(random() % (geometry.slot_packets + 1));
      announce(position, static_cast<std::uint32_t>(random() % geometry.slot_count), packets,
               memories[random() % (position < 38 ? 5 : 6)], random() % 2 == 0 ? packets : packets / 2);
      const Received got = source->receive(0ns);
      for (const PacketView each : got.batch) {
        ASSERT_LE(each.captured_length(), each.wire_length());
        ASSERT_LT(each.interface_id(), source->interface_count());
        sum += sum_of(each.bytes());
        ++delivered;
      }
      if (got.status == ReceiveStatus::end_of_stream) break;
    }
    for (std::uint64_t entry = 0; entry < geometry.slot_count; ++entry) announcement(entry).position.store(0);
    socket_.close();
  }
  EXPECT_GT(delivered, 0U) << sum;
}

TEST_F(HostilePublisher, WhatIsNoRingIsNotMapped) {
  int pair[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const base::FileDescriptor ends[] = {base::FileDescriptor(pair[0]), base::FileDescriptor(pair[1])};
  const base::FileDescriptor unsealed(::memfd_create("ringtail-hostile", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(unsealed.get(), 65536), 0);
  const base::FileDescriptor packets(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));  // without a ring
  for (const int descriptor : {pair[0], unsealed.get(), packets_.descriptor(), packets.get()}) {
    if (descriptor < 0) continue;  // no CAP_NET_RAW
    for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{4096}, std::uint64_t{65536}, UINT64_MAX}) {
      auto source = open();
      ASSERT_TRUE(source) << source.error().message();
      ASSERT_TRUE(send_ring(socket_.get(), 3, descriptor, bytes));
      EXPECT_EQ(source->receive(10s).status, ReceiveStatus::end_of_stream);
      ASSERT_NE(source->failure(), nullptr);
      EXPECT_THAT(source->failure()->message(), HasSubstr("map"));
      socket_.close();
    }
  }
}

TEST_F(HostilePublisher, ARingWithoutItsLengthIsNonsense) {
  auto source = open();
  ASSERT_TRUE(source) << source.error().message();
  const auto word = static_cast<std::byte>(1 + memory_places);
  const int descriptor = packets_.descriptor();
  ASSERT_EQ(base::send_with_descriptors(socket_.get(), {&word, 1}, {&descriptor, 1}), 1);
  EXPECT_EQ(source->receive(10s).status, ReceiveStatus::end_of_stream);
  EXPECT_THAT(source->failure()->message(), HasSubstr("broke the rules"));
}

}  // namespace
}  // namespace ringtail::share
