// What clients get from a publisher, and what bad ones cannot do to it and to each other.
#include "share/publisher.hpp"

#include <fcntl.h>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "fixture/numbered_frames.hpp"
#include "fixture/test_publisher.hpp"
#include "share/share_backend.hpp"
#include "unit/share/raw_client.hpp"

namespace ringtail::share {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

using test::patience;

class Lending : public testing::Test {
 protected:
  void publish() { publisher_.emplace(); }
  void publish(PublisherOptions options) { publisher_.emplace(std::move(options)); }
  [[nodiscard]] std::string path() const { return directory_.path() + "/test.sock"; }
  [[nodiscard]] static Result<Source> try_to_open(const OpenOptions& options = {}) {
    return ShareBackend::open("ringtail:test", "test", options).map([](auto&& backend) {
      return Source(std::move(backend));
    });
  }
  [[nodiscard]] static Source open(const OpenOptions& options = {}) {
    auto source = try_to_open(options);
    EXPECT_TRUE(source) << source.error().message();
    return std::move(*source);
  }
  [[nodiscard]] RawClient attach() {
    auto client = RawClient::attach(path());
    EXPECT_TRUE(client) << client.error().message();
    return std::move(*client);
  }
  void wait_until(const std::function<bool(const PublisherStats&)>& condition) {
    const auto start = std::chrono::steady_clock::now();
    while (!condition(publisher_->stats())) {
      ASSERT_LT(std::chrono::steady_clock::now() - start, patience);
      std::this_thread::sleep_for(1ms);
    }
  }
  /// Sends frames in small portions and reads them all, in order and undamaged, meanwhile.
  void expect_all_are_read(Source& source, std::uint64_t first, std::uint64_t frames) {
    std::uint64_t sent = 0;
    for (std::uint64_t expected = first; expected < first + frames;) {
      const std::uint64_t portion = std::min<std::uint64_t>(100, frames - sent);
      publisher_->send(portion);
      sent += portion;
      for (Received got = source.receive(sent < frames ? 0ms : patience);; got = source.receive(0ms)) {
        for (const PacketView packet : got.batch) {
          const auto frame = fixture::read_numbered_frame(packet.bytes());
          ASSERT_TRUE(frame.intact);
          ASSERT_EQ(frame.number, expected++);
        }
        if (got.status != ReceiveStatus::packets) break;
      }
      ASSERT_EQ(source.failure(), nullptr) << source.failure()->message();
    }
    EXPECT_EQ(source.stats().dropped_ring, 0U);
  }

  test::RunDirectory directory_;
  std::optional<test::TestPublisher> publisher_;
};

TEST_F(Lending, EveryClientSeesEveryPacketWithWhatIsSaidAboutIt) {
  publish();
  Source one = open();
  Source other = open({.snaplen = 64});
  EXPECT_EQ(one.interface(0).name, "numbered0");
  EXPECT_EQ(one.interface(0).link_type, link_type::ethernet);
  EXPECT_EQ(one.backend(), "share");
  expect_all_are_read(one, 0, 500);
  std::uint64_t packets = 0;
  while (packets < 500) {
    const Received got = other.receive(patience);
    ASSERT_EQ(got.status, ReceiveStatus::packets);
    for (const PacketView packet : got.batch) ASSERT_EQ(packet.captured_length(), 64U);
    packets += got.batch.size();
  }
  EXPECT_EQ(publisher_->stats().clients, 2U);
  EXPECT_EQ(publisher_->stats().copied_bytes, 100'000U) << "one copy for both";
}

TEST_F(Lending, AClientThatIsTooSlowIsSkippedAndToldHowMuchItMissed) {
  publish();
  Source slow = open();
  publisher_->send(63 * 32 + 500);
  std::uint64_t read = 0;
  std::vector<Batch> held;
  Received got;
  while ((got = slow.receive(1ms)).status == ReceiveStatus::packets) {
    read += got.batch.size();
    held.push_back(std::move(got.batch));
  }
  EXPECT_EQ(got.status, ReceiveStatus::no_credit);
  EXPECT_EQ(read, 63U * 32);
  const Stats stats = slow.stats();
  EXPECT_EQ(stats.dropped_ring, 500U);
  EXPECT_EQ(stats.received, stats.delivered + stats.dropped_ring + stats.unread);
  EXPECT_EQ(slow.counters().at(0).value, 500U);
  EXPECT_EQ(publisher_->stats().skipped_packets, 500U);
}

TEST_F(Lending, ADeadClientsSlotsAreFreeAtOnce) {
  publish();
  {
    const RawClient dead = attach();
    publisher_->send(63 * 32);
    EXPECT_EQ(dead.lent_header().announced_packets.load(), 63U * 32);
  }
  wait_until([](const PublisherStats& stats) { return stats.clients == 0; });
  Source next = open();
  expect_all_are_read(next, 63 * 32, 5'000);
}

TEST_F(Lending, AClientThatHangsIsEvictedAndTheOthersLoseNothing) {
  publish({.name = "test", .geometry = test::small_geometry, .hold_limit = 1s});
  Source hanging = open();
  publisher_->send(32);
  const Received kept = hanging.receive(patience);
  ASSERT_EQ(kept.status, ReceiveStatus::packets);
  Source lively = open();
  expect_all_are_read(lively, 32, 1'000);
  wait_until([](const PublisherStats& stats) { return stats.evicted == 1; });
  EXPECT_EQ(hanging.receive(patience).status, ReceiveStatus::end_of_stream);
  ASSERT_NE(hanging.failure(), nullptr);
  EXPECT_THAT(hanging.failure()->message(), HasSubstr("took the packets back"));
  expect_all_are_read(lively, 1'032, 5'000);
}

TEST_F(Lending, WhatAClientDoesNotHoldItCannotGiveBack) {
  publish();
  Source honest = open();
  for (const std::uint64_t nonsense : {encode_return(0, 63), encode_return(0, 64), encode_return(0, 0xffffffff)}) {
    const std::uint64_t broken_before = publisher_->stats().broken;
    RawClient liar = attach();
    liar.returns()[0].store(nonsense);
    wait_until([&](const PublisherStats& stats) { return stats.broken > broken_before; });
  }
  EXPECT_EQ(publisher_->stats().clients, 1U);
  expect_all_are_read(honest, 0, 1'000);
}

TEST_F(Lending, GivingBackTwiceIsNonsense) {
  publish();
  RawClient liar = attach();
  publisher_->send(32);
  const std::uint32_t slot = liar.announcement(0).slot;
  liar.returns()[0].store(encode_return(0, slot));
  liar.returns()[1].store(encode_return(1, slot));
  wait_until([](const PublisherStats& stats) { return stats.broken == 1 && stats.clients == 0; });
}

// Everything a client may write, written at random all the time.
TEST_F(Lending, RandomBytesInTheReturnedMemoryHarmNobodyElse) {
  publish();
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  Source honest = open();
  std::atomic<bool> done = false;
  std::thread vandal([&] {
    std::mt19937_64 random(seed);
    while (!done.load()) {
      auto client = RawClient::attach(path());
      if (!client) continue;
      for (int count = 0; count < 2'000 && !done.load(); ++count) {
        const auto position = random() % 4;
        client->returns()[random() % test::small_geometry.slot_count].store(
            random() % 2 == 0 ? random() : encode_return(position, static_cast<std::uint32_t>(random() % 70)));
        client->answers().waiting.store(static_cast<std::uint32_t>(random()));
        if (random() % 1'000 == 0) client->answers().paused.store(1);
      }
    }
  });
  expect_all_are_read(honest, 0, 30'000);
  done.store(true);
  vandal.join();
  EXPECT_GT(publisher_->stats().broken, 0U);
}

TEST_F(Lending, RandomBytesOnTheControlSocketHarmNobodyElse) {
  publish();
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  Source honest = open();
  std::atomic<bool> done = false;
  std::thread vandal([&] {
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> words(32);
    while (!done.load()) {
      const bool after_hello = random() % 2 == 0;
      std::optional<RawClient> client;
      base::FileDescriptor socket;
      if (after_hello) {
        if (auto attached = RawClient::attach(path())) client.emplace(std::move(*attached));
      } else if (auto connected = connect_to(path(), "connect")) {
        socket = std::move(*connected);
      }
      std::generate(words.begin(), words.end(), std::ref(random));
      if (random() % 4 == 0) words[0] = message_magic;
      (void)::send(client ? client->socket.get() : socket.get(), words.data(), random() % 256, MSG_NOSIGNAL);
      std::this_thread::sleep_for(100us);
    }
  });
  expect_all_are_read(honest, 0, 20'000);
  done.store(true);
  vandal.join();
  EXPECT_GT(publisher_->stats().broken, 0U);
}

TEST_F(Lending, WhatAClientMayOnlyReadItCannotWrite) {
  publish();
  const RawClient client = attach();
  for (const std::size_t index : {std::size_t{0}, std::size_t{1}}) {
    const int passed = client.descriptors[index].get();
    const base::FileDescriptor reopened(
        ::open(("/proc/self/fd/" + std::to_string(passed)).c_str(), O_RDWR | O_CLOEXEC));
    for (const int descriptor : {passed, reopened.get()}) {
      if (descriptor < 0) continue;
      EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), MAP_FAILED);
      EXPECT_EQ(::pwrite(descriptor, "x", 1, 0), -1);
      EXPECT_EQ(::ftruncate(descriptor, 0), -1);
      EXPECT_EQ(::fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
    }
    const base::Mapping& mapped = index == 0 ? client.packets : client.lent;
    EXPECT_EQ(::mprotect(mapped.data(), 4096, PROT_READ | PROT_WRITE), -1);
    EXPECT_EQ(errno, EACCES);
    EXPECT_EQ(::madvise(mapped.data(), 4096, MADV_REMOVE), -1);
  }
  EXPECT_EQ(::ftruncate(client.descriptors[2].get(), 0), -1) << "or the publisher would die of SIGBUS";
}

TEST_F(Lending, OnlyWhoMayAttachIsAdmitted) {
  publish({.name = "test", .geometry = test::small_geometry, .admits = [](const PeerCredentials& peer) {
             EXPECT_EQ(peer.process, ::getpid());
             return false;
           }});
  const auto refused = try_to_open();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("may not attach"));
}

TEST_F(Lending, TheLastPlaceIsTheLast) {
  publish({.name = "test", .geometry = test::small_geometry, .most_clients = 2});
  Source one = open();
  std::optional<Source> other = open();
  const auto refused = try_to_open();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("all 2 places are taken"));
  other.reset();
  wait_until([](const PublisherStats& stats) { return stats.clients == 1; });
  EXPECT_TRUE(try_to_open());
}

TEST_F(Lending, AGreetingMayComeInPieces) {
  publish();
  const auto socket = connect_to(path(), "connect");
  ASSERT_TRUE(socket);
  const Hello hello;
  const char* const bytes = reinterpret_cast<const char*>(&hello);
  constexpr std::size_t ends[] = {0, 3, 11, 12, 100, 4'000, sizeof hello};
  for (std::size_t piece = 1; piece < std::size(ends); ++piece) {
    const std::size_t length = ends[piece] - ends[piece - 1];
    ASSERT_EQ(::send(socket->get(), bytes + ends[piece - 1], length, MSG_NOSIGNAL), static_cast<ssize_t>(length));
    std::this_thread::sleep_for(10ms);  // until the publisher has looked
  }
  wait_until([](const PublisherStats& stats) { return stats.clients == 1; });
}

TEST_F(Lending, InterfacesThatAreToldOfAgainKeepTheirNumbers) {
  publish();
  publisher_->with([](Publisher& publisher) {
    EXPECT_EQ(publisher.add_interface({.name = "more"}), 1U);
    EXPECT_EQ(publisher.add_interface({.name = "numbered0", .link_type = link_type::ethernet}), 0U);
    EXPECT_EQ(publisher.add_interface({.name = "more"}), 1U);
  });
}

TEST_F(Lending, InterfacesBeyondAllPlacesAreCalledOthers) {
  publish();
  Source source = open();
  std::optional<std::uint16_t> last;
  publisher_->with([&](Publisher& publisher) {
    for (std::uint32_t index = 1; index <= 2 * interface_capacity; ++index) {
      last = publisher.add_interface({.name = "veth", .index = index, .link_type = link_type::ethernet});
      ASSERT_TRUE(last);
      ASSERT_EQ(publisher.names_all_interfaces(), index < interface_capacity - 16) << "one was there before";
    }
    EXPECT_EQ(publisher.add_interface({.name = "veth", .index = 5000, .link_type = link_type::ethernet}), last);
    EXPECT_NE(publisher.add_interface({.name = "tun", .index = 5001, .link_type = link_type::raw_ip}), last);
    EXPECT_EQ(publisher.add_interface({.name = "veth", .index = 7, .link_type = link_type::ethernet}), 7U);
    const auto frame = fixture::make_numbered_frame(0, 200);
    PacketDescriptor packet = {};
    packet.captured_length = packet.wire_length = 200;
    publisher.publish(std::span(&packet, 1), frame.data(), std::vector{*last});
  });
  const Received got = source.receive(patience);
  ASSERT_EQ(got.batch.size(), 1U);
  EXPECT_EQ(source.interface((*got.batch.begin()).interface_id()).name, "others");
}

TEST_F(Lending, ANameThatIsLiveIsRefusedAndAStaleOneIsReplaced) {
  publish();
  const auto second = Publisher::create({.name = "test", .geometry = test::small_geometry});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr("is running"));
  publisher_.reset();
  const pid_t child = ::fork();
  if (child == 0) {
    const auto dying = Publisher::create({.name = "test", .geometry = test::small_geometry});
    ::_exit(dying ? 0 : 1);  // without a destructor: the socket stays
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_EQ(::access(path().c_str(), F_OK), 0);
  publish();
  EXPECT_TRUE(try_to_open());
}

TEST_F(Lending, TheEndComesAfterTheLastPacket) {
  publish();
  Source source = open();
  publisher_->send(500);
  publisher_->end();
  std::uint64_t packets = 0;
  Received got;
  while ((got = source.receive(patience)).status == ReceiveStatus::packets) packets += got.batch.size();
  EXPECT_EQ(got.status, ReceiveStatus::end_of_stream);
  EXPECT_EQ(packets, 500U);
  EXPECT_EQ(source.failure(), nullptr);
  EXPECT_EQ(source.stats().unread, 0U);
}

TEST_F(Lending, APublisherThatIsKilledIsTheEndWithAReason) {
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto publisher = Publisher::create({.name = "test", .geometry = test::small_geometry});
    (void)!::write(ready[1], "", 1);
    for (;;) publisher->serve();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::close(ready[0]);
  ::close(ready[1]);
  Source source = open();
  ::kill(child, SIGKILL);
  EXPECT_EQ(source.receive(patience).status, ReceiveStatus::end_of_stream);
  ASSERT_NE(source.failure(), nullptr);
  EXPECT_THAT(source.failure()->message(), HasSubstr("has gone"));
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST_F(Lending, WhatOneClientCannotDecideIsAnError) {
  publish();
  for (const OpenOptions& options :
       {OpenOptions{.direction = Direction::in}, OpenOptions{.fanout = Fanout{}}, OpenOptions{.link_type = 1}}) {
    const auto refused = try_to_open(options);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().bad_usage);
  }
  const auto nobody = ShareBackend::open("ringtail:nobody", "nobody", {});
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody.error().message(), HasSubstr("is its publisher running?"));
  for (const char* name : {"", "../x", ".hidden", "a/b"}) EXPECT_FALSE(ShareBackend::open("ringtail:", name, {}));
}

}  // namespace
}  // namespace ringtail::share
